package import Runtime
import RuntimePrimitives
import Synchronization

/// The readiness of one direction of a socket, and the task that waits for it.
///
/// A poller thread signals it and a task waits for it, without a lock. Readiness is a hint: the task tries the system
/// call, and waits again on `EAGAIN`. The hint is cleared *before* the call that may empty the socket, so that an edge
/// during the call sets it again and is not lost.
package struct Readiness: ~Copyable, Sendable {
  /// One of the four states below, or the continuation of the waiting task.
  private let state: Atomic<UInt>
  /// When a task was last woken, in nanoseconds of `MonotonicTime`. It is 0 if no task has been woken since the last
  /// request for ``queueTime``, and ``notRequested`` before the first request.
  private let wakeTime = Atomic<Int64>(notRequested)

  private static var notRequested: Int64 { .max }
  /// Not ready until a poller signals it.
  private static var idle: UInt { 0 }
  /// Possibly ready.
  private static var ready: UInt { 1 }
  /// The peer has finished or failed: ready for good, since no further edge follows.
  private static var ended: UInt { 2 }
  /// Closed on this side.
  private static var closed: UInt { 3 }

  /// Creates the readiness of a new socket. `isReady` says whether to try an operation before waiting.
  package init(isReady: Bool) { state = Atomic(isReady ? Self.ready : Self.idle) }

  /// Whether a wait would return at once.
  package var isReady: Bool {
    let current = state.load(ordering: .acquiring)
    return current == Self.ready || current == Self.ended
  }

  /// Clears the hint. Call it before the system call that the hint is about.
  package func clear() {
    // Acquiring: the following call must see what had arrived when the poller set the hint.
    _ = state.compareExchange(expected: Self.ready, desired: Self.idle, ordering: .acquiringAndReleasing)
  }

  /// Sets the hint and resumes the waiting task.
  package func signal(ended: Bool = false) {
    let new = ended ? Self.ended : Self.ready
    var current = state.load(ordering: .relaxed)
    while true {
      if current == Self.closed || current == Self.ended || current == new { return }
      // Releasing: pairs with the acquiring load of the task that resumes.
      let (done, seen) = state.weakCompareExchange(
        expected: current, desired: new, successOrdering: .acquiringAndReleasing, failureOrdering: .relaxed)
      if done {
        if current > Self.closed { wake(current) }
        return
      }
      current = seen
    }
  }

  private func wake(_ continuation: UInt) {
    // Relaxed: the resumption orders it for the task that reads it.
    if wakeTime.load(ordering: .relaxed) != Self.notRequested { wakeTime.store(MonotonicTime.now, ordering: .relaxed) }
    Self.continuation(continuation).resume()
  }

  /// How long the last woken task waited for a thread, if it was woken since the last call. Call it from the resumed
  /// task. Times are recorded from the first call on.
  package var queueTime: QueueTime? {
    let time = wakeTime.exchange(0, ordering: .relaxed)
    return time == 0 || time == Self.notRequested ? nil : QueueTime(.nanoseconds(MonotonicTime.now - time))
  }

  /// Makes all current and later waits fail with `closed`.
  package func close() {
    let previous = state.exchange(Self.closed, ordering: .acquiringAndReleasing)
    if previous > Self.closed { Self.continuation(previous).resume() }
  }

  /// Waits until the direction is ready or closed, or the task is cancelled.
  package func wait(_ operation: IOError.Operation) async throws(IOError) {
    while try mustWait(operation) {
      if Task.isCancelled { throw IOError(operation, .cancelled) }
      await withTaskCancellationHandler {
        await suspendTask { continuation in
          guard park(continuation) else { return resumeAtOnce(continuation) }
          atomicMemoryFence(ordering: .sequentiallyConsistent)
          if Task.isCancelled { unpark() }
        }
      } onCancel: {
        // Pairs with the fence above: either this call sees the continuation, or `wait` sees the cancellation after it
        // parks.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        unpark()
      }
    }
  }

  /// Waits without a cancellation handler until a retry makes sense, possibly because the direction has been closed.
  ///
  /// Inlined, because a frame of its own would cost each idle connection memory and each request time.
  @inline(__always)
  package func waitOnce(_ operation: IOError.Operation) async throws(IOError) {
    guard try mustWait(operation) else { return }
    await suspendTask { continuation in
      if !park(continuation) { resumeAtOnce(continuation) }
    }
  }

  private func resumeAtOnce(_ continuation: UnsafeContinuation<Void, Never>) {
    TaskTable.willNotWait()
    continuation.resume()
  }

  /// Whether the direction is not ready.
  @inline(__always)
  package func mustWait(_ operation: IOError.Operation) throws(IOError) -> Bool {
    switch state.load(ordering: .acquiring) {
    case Self.ready, Self.ended: return false
    case Self.closed: throw IOError(operation, .closed)
    case Self.idle: return true
    default: throw IOError(operation, .busy)
    }
  }

  /// Stores `continuation` to be resumed by a signal.
  ///
  /// - Returns: whether it was stored; `false` if waiting is no longer necessary.
  private func park(_ continuation: UnsafeContinuation<Void, Never>) -> Bool {
    let waiting = unsafeBitCast(continuation, to: UInt.self)
    return state.compareExchange(expected: Self.idle, desired: waiting, ordering: .acquiringAndReleasing).exchanged
  }

  /// Resumes the waiting task although nothing is ready. The task finds out the reason itself.
  private func unpark() {
    let current = state.load(ordering: .relaxed)
    guard current > Self.closed else { return }
    let (taken, _) = state.compareExchange(expected: current, desired: Self.idle, ordering: .acquiringAndReleasing)
    if taken { Self.continuation(current).resume() }
  }

  /// The inverse of the cast in `park`. A continuation is a pointer whose alignment makes it larger than the four
  /// states.
  private static func continuation(_ bits: UInt) -> UnsafeContinuation<Void, Never> {
    unsafeBitCast(bits, to: UnsafeContinuation<Void, Never>.self)
  }
}
