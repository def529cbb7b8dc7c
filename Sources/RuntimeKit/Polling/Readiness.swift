package import Runtime
import RuntimePrimitives
import Synchronization

/// One direction of a socket: whether it is worth trying, and who waits until it is.
///
/// A poller signals it and a task waits on it, from any two threads, without a lock. Readiness is a hint: whoever finds
/// it tries the system call, and waits again if the kernel says `EAGAIN`. The hint is taken down *before* the call that
/// may empty the socket, so that an edge that comes during the call puts it up again and is not lost.
package struct Readiness: ~Copyable, Sendable {
  /// One of the four states below, or the continuation of the one task that waits.
  private let state: Atomic<UInt>
  /// When it last woke a task, in nanoseconds of `MonotonicTime`: 0 if it has not since it was last asked, and ``unasked``
  /// before that.
  private let wakeTime = Atomic<Int64>(unasked)

  private static var unasked: Int64 { .max }
  /// Not worth trying until a poller says so.
  private static var idle: UInt { 0 }
  /// Worth a try.
  private static var ready: UInt { 1 }
  /// The peer has finished or failed: worth a try for ever, since no further edge will come.
  private static var ended: UInt { 2 }
  /// Closed on this side.
  private static var closed: UInt { 3 }

  /// Starts out ready where it is to be tried before it is waited for.
  package init(isReady: Bool) { state = Atomic(isReady ? Self.ready : Self.idle) }

  /// Whether a wait would return at once.
  package var isWorthTrying: Bool {
    let now = state.load(ordering: .acquiring)
    return now == Self.ready || now == Self.ended
  }

  /// Takes the hint down. To be called before the system call whose outcome it foretold.
  package func clear() {
    // Acquiring: the call that follows must see what had come when the poller put the hint up.
    _ = state.compareExchange(expected: Self.ready, desired: Self.idle, ordering: .acquiringAndReleasing)
  }

  /// Puts the hint up and wakes whoever waits.
  package func signal(ended: Bool = false) {
    let new = ended ? Self.ended : Self.ready
    var now = state.load(ordering: .relaxed)
    while true {
      if now == Self.closed || now == Self.ended || now == new { return }
      // Releasing: pairs with the acquiring load of the task that goes on.
      let (done, seen) = state.weakCompareExchange(
        expected: now, desired: new, successOrdering: .acquiringAndReleasing, failureOrdering: .relaxed)
      if done {
        if now > Self.closed { wake(now) }
        return
      }
      now = seen
    }
  }

  private func wake(_ continuation: UInt) {
    // Relaxed: to be resumed orders it for the task that asks.
    if wakeTime.load(ordering: .relaxed) != Self.unasked { wakeTime.store(MonotonicTime.now, ordering: .relaxed) }
    Self.continuation(continuation).resume()
  }

  /// For how long the task that was woken last has waited for a thread, if it has been woken since the last call of this;
  /// for the task that goes on. What it needs is noted from the first call on.
  package var queueTime: QueueTime? {
    let time = wakeTime.exchange(0, ordering: .relaxed)
    return time == 0 || time == Self.unasked ? nil : QueueTime(.nanoseconds(MonotonicTime.now - time))
  }

  /// Makes every wait, now and later, end with `closed`.
  package func close() {
    let before = state.exchange(Self.closed, ordering: .acquiringAndReleasing)
    if before > Self.closed { Self.continuation(before).resume() }
  }

  /// Waits until the direction is worth trying, is closed, or the task is cancelled.
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
        // Pairs with the fence above: either we see the continuation or whoever parked it sees that it is cancelled.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        unpark()
      }
    }
  }

  /// Waits, without watching for the task's being cancelled, until there is reason to try. The reason may be that the
  /// direction has been closed meanwhile.
  ///
  /// Inlined: a frame of its own would cost each idle connection its memory, and each request the time to make it.
  @inline(__always)
  package func waitOnce(_ operation: IOError.Operation) async throws(IOError) {
    guard try mustWait(operation) else { return }
    await suspendTask { continuation in
      if !park(continuation) { resumeAtOnce(continuation) }
    }
  }

  private func resumeAtOnce(_ continuation: UnsafeContinuation<Void, Never>) {
    TaskTable.doesNotWait()
    continuation.resume()
  }

  /// Whether it is not worth trying yet.
  @inline(__always)
  package func mustWait(_ operation: IOError.Operation) throws(IOError) -> Bool {
    switch state.load(ordering: .acquiring) {
    case Self.ready, Self.ended: return false
    case Self.closed: throw IOError(operation, .closed)
    case Self.idle: return true
    default: throw IOError(operation, .busy)
    }
  }

  /// Leaves `continuation` to be resumed.
  ///
  /// - Returns: whether that has been done; if not, there is no more need to wait.
  private func park(_ continuation: UnsafeContinuation<Void, Never>) -> Bool {
    let waiting = unsafeBitCast(continuation, to: UInt.self)
    return state.compareExchange(expected: Self.idle, desired: waiting, ordering: .acquiringAndReleasing).exchanged
  }

  /// Resumes whoever waits, though nothing is ready: it will look for itself why.
  private func unpark() {
    let now = state.load(ordering: .relaxed)
    guard now > Self.closed else { return }
    let (taken, _) = state.compareExchange(expected: now, desired: Self.idle, ordering: .acquiringAndReleasing)
    if taken { Self.continuation(now).resume() }
  }

  /// The inverse of the cast in `park`: a continuation is one pointer, aligned to more than the four states.
  private static func continuation(_ bits: UInt) -> UnsafeContinuation<Void, Never> {
    unsafeBitCast(bits, to: UnsafeContinuation<Void, Never>.self)
  }
}
