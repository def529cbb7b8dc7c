import Runtime

// The names that the code under test uses, with other meanings: they hide those of the libraries that it imports. So
// the library's own files are compiled here, and every atomic operation in them goes through the model.

enum AtomicLoadOrdering { case relaxed, acquiring, sequentiallyConsistent }
enum AtomicStoreOrdering { case relaxed, releasing, sequentiallyConsistent }
enum AtomicUpdateOrdering {
  case relaxed, acquiring, releasing, acquiringAndReleasing, sequentiallyConsistent

  var acquires: Bool { self != .relaxed && self != .releasing }
  var releases: Bool { self != .relaxed && self != .acquiring }
}

func sequentiallyConsistentFence() {
  let model = Model.current
  model.stop(before: .fence)
  model.memory.fence(model.running, &model.thread.view)
  model.note("fence")
}

/// A value that an atomic can hold here.
protocol AtomicValue: Equatable {
  init(bits: UInt64)
  var bits: UInt64 { get }
}

extension AtomicValue where Self: FixedWidthInteger {
  init(bits: UInt64) { self.init(truncatingIfNeeded: bits) }
  var bits: UInt64 { UInt64(truncatingIfNeeded: self) }
}

extension UInt64: AtomicValue {}
extension UInt32: AtomicValue {}
extension UInt8: AtomicValue {}
extension Int: AtomicValue {}
extension Bool: AtomicValue {
  init(bits: UInt64) { self = bits != 0 }
  var bits: UInt64 { self ? 1 : 0 }
}

struct Atomic<Value: AtomicValue>: ~Copyable, Sendable {
  private let location: Int

  init(_ value: Value) { location = Model.current.memory.add(value.bits) }

  func load(ordering: AtomicLoadOrdering) -> Value {
    let model = Model.current
    model.stop(before: .load(location))
    let thread = model.thread
    if ordering == .sequentiallyConsistent { model.memory.reachSequential(location, &thread.view) }
    // Any value that the load may find, the newest first.
    let age = model.choose(model.memory.choices(location, thread.view))
    let bits = model.memory.load(location, age: age, acquiring: ordering != .relaxed, model.running, &thread.view)
    model.note("load \(ordering) of \(location): \(Value(bits: bits))\(age == 0 ? "" : ", \(age) old")")
    return Value(bits: bits)
  }

  func store(_ value: Value, ordering: AtomicStoreOrdering) {
    let model = Model.current
    model.stop(before: .change(location))
    model.memory.store(
      location, value.bits, releasing: ordering != .relaxed, isExchange: false, model.running, &model.thread.view)
    if ordering == .sequentiallyConsistent { model.memory.noteSequential(location) }
    model.note("store \(ordering) to \(location): \(value)")
  }

  /// Stores the result of `change` for the newest value, unless it is `nil`.
  private func update(_ ordering: AtomicUpdateOrdering, _ change: (Value) -> Value?) -> (old: Value, done: Bool) {
    let model = Model.current
    model.stop(before: .change(location))
    let thread = model.thread
    let bits = model.memory.load(location, age: 0, acquiring: ordering.acquires, model.running, &thread.view)
    let old = Value(bits: bits)
    guard let new = change(old) else {
      model.note("exchange \(ordering) of \(location) fails: \(old)")
      return (old, false)
    }
    model.memory.store(
      location, new.bits, releasing: ordering.releases, isExchange: true, model.running, &thread.view)
    if ordering == .sequentiallyConsistent { model.memory.noteSequential(location) }
    model.note("exchange \(ordering) of \(location): \(old) for \(new)")
    return (old, true)
  }

  func exchange(_ value: Value, ordering: AtomicUpdateOrdering) -> Value { update(ordering) { _ in value }.old }

  func compareExchange(
    expected: Value, desired: Value, ordering: AtomicUpdateOrdering
  ) -> (exchanged: Bool, original: Value) {
    let (old, done) = update(ordering) { $0 == expected ? desired : nil }
    return (done, old)
  }
}

extension Atomic where Value: FixedWidthInteger {
  @discardableResult
  func add(_ operand: Value, ordering: AtomicUpdateOrdering) -> (oldValue: Value, newValue: Value) {
    let old = update(ordering) { $0 + operand }.old
    return (old, old + operand)
  }

  @discardableResult
  func subtract(_ operand: Value, ordering: AtomicUpdateOrdering) -> (oldValue: Value, newValue: Value) {
    let old = update(ordering) { $0 - operand }.old
    return (old, old - operand)
  }

  @discardableResult
  func wrappingAdd(_ operand: Value, ordering: AtomicUpdateOrdering) -> (oldValue: Value, newValue: Value) {
    let old = update(ordering) { $0 &+ operand }.old
    return (old, old &+ operand)
  }
}

struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {  // One thread of the model runs at a time.
  private struct State: ~Copyable {
    var value: Value
    var isHeld = false
    var tells = View()
  }

  /// A pointer, so that accesses are not checked for overlaps: that check does not understand the threads' stacks.
  private let state: UnsafeMutablePointer<State>
  private let number: Int

  init(_ value: consuming Value) {
    state = .allocate(capacity: 1)
    state.initialize(to: State(value: value))
    number = Model.current.memory.add(0)
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let state = state
    Model.current.stop(before: .lock(number), isReady: { !state.pointee.isHeld })
    return try hold(body)
  }

  func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    Model.current.stop(before: .lock(number))
    if state.pointee.isHeld {
      Model.current.note("lock \(number) is taken")
      return nil
    }
    return try hold(body)
  }

  private func hold<Result: ~Copyable, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let model = Model.current
    let state = state
    state.pointee.isHeld = true
    model.thread.view.join(state.pointee.tells)
    model.note("lock \(number)")
    defer {
      model.stop(before: .lock(number))
      state.pointee.isHeld = false
      state.pointee.tells = model.thread.view
      model.note("unlock \(number)")
    }
    return try body(&state.pointee.value)
  }
}

/// Slots that are few, so that a queue is soon full, and that detect races.
struct JobSlots: ~Copyable, @unchecked Sendable {  // As above.
  static let capacity: UInt32 = 4

  private struct Access {
    let thread: Int
    let step: Int

    /// Returns whether the access happened before what a thread with `view` does.
    func comesBefore(_ view: View) -> Bool { view.steps(thread) > step }
  }

  private final class Slot {
    var job: UnownedJob?
    var write: Access?
    var reads: [Access] = []
  }

  private let slots = (0..<capacity).map { _ in Slot() }

  subscript(index: UInt32) -> UnownedJob {
    get {
      let (slot, model) = (slots[Int(index % Self.capacity)], Model.current)
      check(slot.write, "reads", index)
      slot.reads.append(Access(thread: model.running, step: model.thread.view.steps(model.running)))
      model.note("reads slot \(index % Self.capacity)")
      return slot.job ?? UnownedJob(number: -1) {}
    }
    nonmutating set {
      let (slot, model) = (slots[Int(index % Self.capacity)], Model.current)
      check(slot.write, "writes", index)
      for read in slot.reads { check(read, "writes", index) }
      slot.reads = []
      slot.write = Access(thread: model.running, step: model.thread.view.steps(model.running))
      slot.job = newValue
      model.note("writes slot \(index % Self.capacity)")
    }
  }

  private func check(_ access: Access?, _ verb: String, _ index: UInt32) {
    let model = Model.current
    guard let access, access.thread != model.running, !access.comesBefore(model.thread.view) else { return }
    let other = model.threads[access.thread].name
    let _: Never? = model.fail("a race: \(model.thread.name) \(verb) slot \(index % Self.capacity), so does \(other)")
  }
}

/// A job with a number.
struct UnownedJob: @unchecked Sendable {  // As above.
  let number: Int
  let run: () -> Void

  init(number: Int, run: @escaping () -> Void) {
    self.number = number
    self.run = run
  }
}
