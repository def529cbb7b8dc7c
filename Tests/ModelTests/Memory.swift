/// How far a thread has got: which of the stores to each place it must not fall behind, and which of the steps of each
/// thread come before its own.
struct View {
  private var marks: [Int] = []

  private subscript(index: Int) -> Int {
    get { index < marks.count ? marks[index] : 0 }
    set {
      while marks.count <= index { marks.append(0) }
      marks[index] = newValue
    }
  }

  mutating func join(_ other: View) {
    for index in other.marks.indices where other.marks[index] > self[index] { self[index] = other.marks[index] }
  }

  // Steps of threads at even places, stores to locations at odd ones.

  mutating func tick(_ thread: Int) { self[2 * thread] += 1 }
  func steps(_ thread: Int) -> Int { self[2 * thread] }

  func store(_ location: Int) -> Int { self[2 * location + 1] }
  mutating func reach(_ store: Int, of location: Int) { self[2 * location + 1] = max(self.store(location), store) }
}

/// The memory as C11 has it, near enough: each location keeps all that was ever stored in it, and a load may find any of
/// it that is not older than what its thread has seen, or been told of.
///
/// A releasing store tells all that its thread knows to the acquiring load that finds it, also through exchanges in
/// between. A sequentially consistent fence tells it to every later one. An exchange, also one that fails, finds the
/// newest. A sequentially consistent load finds nothing older than the last such store, and that is all: such operations
/// order nothing else. Stores are ordered as they are executed. Plain memory is checked for races.
struct Memory {
  private struct Store {
    let value: UInt64
    /// What whoever acquires it is told.
    let tells: View
  }

  private var locations: [[Store]] = []
  private var fences = View()
  /// By location: its last store that is sequentially consistent.
  private var sequential: [Int: Int] = [:]
  /// By thread: what it would be told if it had acquired what it has loaded, and what it knew at its last fence.
  private var heard: [Int: View] = [:]
  private var fenced: [Int: View] = [:]

  mutating func add(_ value: UInt64) -> Int {
    locations.append([Store(value: value, tells: View())])
    return locations.count - 1
  }

  /// How many stores a load of a thread with `view` may find.
  func choices(_ location: Int, _ view: View) -> Int { locations[location].count - view.store(location) }

  /// Notes that the newest store is sequentially consistent.
  mutating func noteSequential(_ location: Int) { sequential[location] = locations[location].count - 1 }

  /// Keeps a thread's next load from finding what is older than the last store that is sequentially consistent.
  func reachSequential(_ location: Int, _ view: inout View) {
    if let store = sequential[location] { view.reach(store, of: location) }
  }

  /// The store that lies `age` stores back.
  mutating func load(_ location: Int, age: Int, acquiring: Bool, _ thread: Int, _ view: inout View) -> UInt64 {
    let index = locations[location].count - 1 - age
    let store = locations[location][index]
    view.reach(index, of: location)
    if acquiring { view.join(store.tells) } else { heard[thread, default: View()].join(store.tells) }
    return store.value
  }

  /// - Parameter isExchange: what the store before told is told on.
  mutating func store(
    _ location: Int, _ value: UInt64, releasing: Bool, isExchange: Bool, _ thread: Int, _ view: inout View
  ) {
    view.reach(locations[location].count, of: location)
    var tells = releasing ? view : fenced[thread] ?? View()
    if isExchange, let last = locations[location].last { tells.join(last.tells) }
    tells.reach(locations[location].count, of: location)
    locations[location].append(Store(value: value, tells: tells))
  }

  mutating func fence(_ thread: Int, _ view: inout View) {
    if let heard = heard[thread] { view.join(heard) }
    view.join(fences)
    fences = view
    fenced[thread] = view
  }
}
