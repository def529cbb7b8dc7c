import Runtime
public import Synchronization

/// Work on its way through the blocking pool, whatever it gives.
@usableFromInline
package class BlockingWork: @unchecked Sendable {  // What there is to it is in the one class that inherits it.
  @inlinable
  init() {}

  /// Does the work, if it is still waited for.
  @usableFromInline
  func run() {}

  /// Has the task that waits go on with what has come of it, after ``run()``.
  @usableFromInline
  func finish() {}

  /// Whether the task does not wait any more.
  @usableFromInline
  var isOver: Bool { false }

  @usableFromInline
  func cancel() {}
}

/// Work, and the task that waits for it until it is done or the wait is cancelled.
@usableFromInline
final class Work<Success: Sendable>: BlockingWork, @unchecked Sendable {  // `phase` says who may touch the rest.
  /// Each step is taken by one thread alone, and what it may touch then is its own until the next.
  @usableFromInline let phase = Atomic<UInt8>(Phase.new)
  /// Touched by whoever takes it out of `waiting`.
  @usableFromInline var body: (() throws -> Success)?
  /// What has come of it: the thread's that has run it.
  @usableFromInline var result: Result<Success, any Error>?
  /// Set before `waiting`; taken by whoever gets to `over`.
  @usableFromInline var waiter: UnsafeContinuation<Success, any Error>?

  @usableFromInline
  enum Phase {
    /// Nobody waits yet.
    @usableFromInline static var new: UInt8 { 0 }
    /// The task waits, and the work has not begun.
    @usableFromInline static var waiting: UInt8 { 1 }
    /// The task waits, and the work has begun.
    @usableFromInline static var begun: UInt8 { 2 }
    /// The task does not wait any more.
    @usableFromInline static var over: UInt8 { 3 }
  }

  @inlinable
  init(_ body: sending @escaping () throws -> Success) {
    self.body = body
  }

  /// Goes from one phase to the next, if it is in that.
  @inlinable
  func step(from old: UInt8, to new: UInt8) -> Bool {
    // Acquiring what the thread before has left here, and releasing what this one leaves.
    phase.compareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing).exchanged
  }

  /// Has `continuation` resumed when the work is done or cancelled.
  ///
  /// - Returns: whether it will be: the task has not been cancelled already.
  @inlinable
  func park(_ continuation: UnsafeContinuation<Success, any Error>) -> Bool {
    waiter = continuation
    return step(from: Phase.new, to: Phase.waiting)
  }

  @inlinable
  override func run() {
    guard step(from: Phase.waiting, to: Phase.begun), let body else { return }
    result = Result { try body() }
    self.body = nil
  }

  @inlinable
  override func finish() {
    guard let result else { return }
    self.result = nil
    if step(from: Phase.begun, to: Phase.over) { waiter?.resume(with: result) }
  }

  // Relaxed: only the phase is looked at, and who looks too early looks again.
  @inlinable
  override var isOver: Bool { phase.load(ordering: .relaxed) == Phase.over }

  @inlinable
  override func cancel() { end(CancellationError()) }

  /// Ends the wait. What has not begun never will.
  @inlinable
  func end(_ error: any Error) {
    if step(from: Phase.new, to: Phase.over) { return }
    if step(from: Phase.waiting, to: Phase.over) {
      body = nil
    } else {
      guard step(from: Phase.begun, to: Phase.over) else { return }
    }
    waiter?.resume(throwing: error)
  }
}
