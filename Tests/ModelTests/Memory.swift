/// A vector clock: the oldest store of each location that a thread may still load, and the steps of each thread that
/// happened before.
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

  // Even indices are steps of threads, odd ones are stores to locations.

  mutating func tick(_ thread: Int) { self[2 * thread] += 1 }
  func steps(_ thread: Int) -> Int { self[2 * thread] }

  func store(_ location: Int) -> Int { self[2 * location + 1] }
  mutating func reach(_ store: Int, of location: Int) { self[2 * location + 1] = max(self.store(location), store) }
}

/// An approximation of the memory of C11. Each location keeps all values that were ever stored in it. A load may find
/// any of them that is not older than what its thread has seen or learned of.
///
/// A releasing store passes on what its thread knows to an acquiring load that finds it, even through exchanges in
/// between. A sequentially consistent fence passes it on to every later fence. An exchange, even one that fails, finds
/// the newest value. A sequentially consistent load finds nothing older than the last such store. Sequentially
/// consistent operations order nothing beyond that. Stores are ordered as they are executed. Plain memory is checked
/// for races.
struct Memory {
  private struct Store {
    let value: UInt64
    /// What an acquiring load learns from it.
    let tells: View
  }

  private var locations: [[Store]] = []
  private var fences = View()
  /// For each location, its last sequentially consistent store.
  private var sequential: [Int: Int] = [:]
  /// For each thread, what it would know if its loads had been acquiring, and what it knew at its last fence.
  private var heard: [Int: View] = [:]
  private var fenced: [Int: View] = [:]

  mutating func add(_ value: UInt64) -> Int {
    locations.append([Store(value: value, tells: View())])
    return locations.count - 1
  }

  /// Returns the number of stores that a load of a thread with `view` may find.
  func choices(_ location: Int, _ view: View) -> Int { locations[location].count - view.store(location) }

  /// Records that the newest store is sequentially consistent.
  mutating func noteSequential(_ location: Int) { sequential[location] = locations[location].count - 1 }

  /// Keeps a thread's next load from finding anything older than the last sequentially consistent store.
  func reachSequential(_ location: Int, _ view: inout View) {
    if let store = sequential[location] { view.reach(store, of: location) }
  }

  /// Loads the value that was stored `age` stores before the newest.
  mutating func load(_ location: Int, age: Int, acquiring: Bool, _ thread: Int, _ view: inout View) -> UInt64 {
    let index = locations[location].count - 1 - age
    let store = locations[location][index]
    view.reach(index, of: location)
    if acquiring { view.join(store.tells) } else { heard[thread, default: View()].join(store.tells) }
    return store.value
  }

  /// - Parameter isExchange: whether the store also passes on what the store before it does.
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
