import Runtime
public import Synchronization

/// A piece of work in the blocking pool, independent of its result type.
@usableFromInline
package class BlockingWork: @unchecked Sendable {  // All state is in its only subclass.
  @inlinable
  init() {}

  /// Runs the work, unless the wait for it has ended.
  @usableFromInline
  func run() {}

  /// Resumes the waiting task with the result, after ``run()``.
  @usableFromInline
  func finish() {}

  /// Whether the task has stopped waiting.
  @usableFromInline
  var isOver: Bool { false }

  @usableFromInline
  func cancel() {}
}

/// A piece of work, and the task that waits until it is done or the wait is cancelled.
@usableFromInline
final class Work<Success: Sendable>: BlockingWork, @unchecked Sendable {  // `phase` says which thread owns the rest.
  /// Each transition is made by one thread, which then owns the state below until the next transition.
  @usableFromInline let phase = Atomic<UInt8>(Phase.new)
  /// Owned by the thread that moves the phase on from `waiting`.
  @usableFromInline var body: (() throws -> Success)?
  /// The result. Owned by the thread that has run the work.
  @usableFromInline var result: Result<Success, any Error>?
  /// Set before `waiting`. Owned by the thread that moves the phase to `over`.
  @usableFromInline var waiter: UnsafeContinuation<Success, any Error>?

  @usableFromInline
  enum Phase {
    /// No task waits yet.
    @usableFromInline static var new: UInt8 { 0 }
    /// The task waits, and the work has not begun.
    @usableFromInline static var waiting: UInt8 { 1 }
    /// The task waits, and the work has begun.
    @usableFromInline static var begun: UInt8 { 2 }
    /// The task has stopped waiting.
    @usableFromInline static var over: UInt8 { 3 }
  }

  @inlinable
  init(_ body: sending @escaping () throws -> Success) {
    self.body = body
  }

  /// Moves from phase `old` to `new`. Returns `false` if the phase is not `old`.
  @inlinable
  func transition(from old: UInt8, to new: UInt8) -> Bool {
    // Acquires the state that the previous owner has written, and releases the state that this thread has written.
    phase.compareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing).exchanged
  }

  /// Stores the continuation to resume when the work is done or cancelled.
  ///
  /// - Returns: whether it was stored; `false` if the task has already been cancelled.
  @inlinable
  func park(_ continuation: UnsafeContinuation<Success, any Error>) -> Bool {
    waiter = continuation
    return transition(from: Phase.new, to: Phase.waiting)
  }

  @inlinable
  override func run() {
    guard transition(from: Phase.waiting, to: Phase.begun), let body else { return }
    result = Result { try body() }
    self.body = nil
  }

  @inlinable
  override func finish() {
    guard let result else { return }
    self.result = nil
    if transition(from: Phase.begun, to: Phase.over) { waiter?.resume(with: result) }
  }

  // Relaxed: only the phase is read, and a caller that reads too early checks again.
  @inlinable
  override var isOver: Bool { phase.load(ordering: .relaxed) == Phase.over }

  @inlinable
  override func cancel() { fail(CancellationError()) }

  /// Ends the wait with `error`. Work that has not begun never will.
  @inlinable
  func fail(_ error: any Error) {
    if transition(from: Phase.new, to: Phase.over) { return }
    if transition(from: Phase.waiting, to: Phase.over) {
      body = nil
    } else {
      guard transition(from: Phase.begun, to: Phase.over) else { return }
    }
    waiter?.resume(throwing: error)
  }
}
