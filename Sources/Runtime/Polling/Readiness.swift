import Synchronization

/// One direction of a socket: whether it is worth trying, and who waits until it is.
///
/// A poller signals it and a task waits on it, from any two threads, without a lock. Readiness is a hint: whoever finds
/// it tries the system call, and waits again if the kernel says `EAGAIN`. The hint is taken down *before* the call that
/// may empty the socket, so that an edge that comes during the call puts it up again and is not lost.
package struct Readiness: ~Copyable, Sendable {
  /// One of the four states below, or the continuation of the one task that waits.
  private let state: Atomic<UInt>

  /// How many operations have been done since the last wait.
  private let streak = Atomic<UInt32>(0)

  /// After how many operations without a wait a task gives others a turn: a peer that is never slow would otherwise
  /// keep a worker for itself. Sixteen kilobytes at a time, that is half a megabyte a turn.
  private static var longestStreak: UInt32 { 32 }

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

  /// Lets others have a turn if there has not been a wait for long. To be called once an operation.
  package func takeTurn() async {
    // Load and store and no addition: there is one reader, and one writer, and a count lost to a mistaken second is none.
    let done = streak.load(ordering: .relaxed)
    streak.store(done &+ 1, ordering: .relaxed)
    if done == Self.longestStreak { await giveTurn() }
  }

  private func giveTurn() async {
    streak.store(0, ordering: .relaxed)
    await Task.yield()
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
        if now > Self.closed { Self.continuation(now).resume() }
        return
      }
      now = seen
    }
  }

  /// Makes every wait, now and later, end with `closed`.
  package func close() {
    let before = state.exchange(Self.closed, ordering: .acquiringAndReleasing)
    if before > Self.closed { Self.continuation(before).resume() }
  }

  /// Waits until the direction is worth trying, is closed, or the task is cancelled.
  package func wait(_ operation: IOError.Operation) async throws(IOError) {
    while true {
      switch state.load(ordering: .acquiring) {
      case Self.ready, Self.ended: return
      case Self.closed: throw IOError(operation, .closed)
      case Self.idle: break
      default: throw IOError(operation, .busy)
      }
      if Task.isCancelled { throw IOError(operation, .cancelled) }
      streak.store(0, ordering: .relaxed)
      await withTaskCancellationHandler {
        await withUnsafeContinuation { park($0) }
      } onCancel: {
        // Pairs with the fence in `park`: either we see its continuation or it sees that the task is cancelled.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        unpark()
      }
    }
  }

  /// Leaves `continuation` to be resumed; resumes it at once if there is no more need to wait.
  private func park(_ continuation: UnsafeContinuation<Void, Never>) {
    let waiting = unsafeBitCast(continuation, to: UInt.self)
    let (parked, _) = state.compareExchange(
      expected: Self.idle, desired: waiting, ordering: .acquiringAndReleasing)
    guard parked else { return continuation.resume() }
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if Task.isCancelled { unpark() }
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
