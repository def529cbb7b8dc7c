import Glibc
import Runtime
import Synchronization

/// Work that may block, and the threads that run it: one per piece of work, up to a limit.
struct BlockingWork {
  typealias Piece = (number: Int, run: @Sendable () -> Void)

  static let limits = BlockingLimits()
  var queue: [Piece] = []
  var threads = 0
  /// How many calls have been refused.
  var refused = 0
  /// Threads that are about to end. A thread keeps its memory until it is joined.
  var ended: [pthread_t] = []

  var isFull: Bool { threads >= Self.limits.threads && queue.count >= Self.limits.queued }
}

extension RunLoop {
  /// Runs `work` on a thread other than the loop's.
  func runBlocking<Success: Sendable>(_ work: sending @escaping () throws -> Success) async throws -> Success {
    let number = state.withLock { $0.nextNumber() }
    // One thread at a time uses each: the queue's lock orders the hand-over, and the end of the wait the return.
    nonisolated(unsafe) let work = work
    nonisolated(unsafe) var result: Result<Success, any Error>?
    let reason = await wait(for: .done(number)) { queue((number, { result = Result { try work() } })) }
    if reason == .busy { throw BlockingWorkRefused(BlockingWork.limits) }
    if let reason, reason.errno != nil { throw IOError(.thread, reason) }
    guard reason == nil, let result else { throw CancellationError() }
    return try result.get()
  }

  private func queue(_ piece: BlockingWork.Piece) {
    var abandoned: [BlockingWork.Piece] = []  // Released without the lock, as below.
    let refusal: IOError.Reason? = state.withLock { state in
      if state.blocking.isFull { abandoned = state.removeAbandoned() }
      if state.blocking.isFull {
        state.blocking.refused += 1
        return .busy
      }
      state.blocking.queue.append(piece)
      guard state.blocking.threads < BlockingWork.limits.threads else { return nil }
      do throws(IOError) {
        _ = try startThread(doBlockingWork)
        state.blocking.threads += 1
        return nil
      } catch {
        // Another thread, if there is one, will run it.
        if state.blocking.threads > 0 { return nil }
        state.blocking.queue.removeLast()
        return error.reason
      }
    }
    _ = abandoned
    if let refusal { end([.done(piece.number)], because: refusal) }
  }

  /// The loop of a thread for blocking work. It never releases work under the lock: closing a stream that the work owns
  /// takes the lock again.
  @Sendable private func doBlockingWork() {
    while let (piece, isAwaited) = state.withLock({ $0.nextPiece() }) {
      guard isAwaited else { continue }
      piece.run()
      end([.done(piece.number)])
    }
  }
}

extension RunLoop.State {
  /// Removes work whose wait was cancelled from the queue.
  fileprivate mutating func removeAbandoned() -> [BlockingWork.Piece] {
    let pieces = exchange(&blocking.queue, with: [])
    blocking.queue = pieces.filter { waits[.done($0.number)] != nil }
    return pieces.filter { waits[.done($0.number)] == nil }
  }

  /// Removes a piece of work from the queue and says whether a task still waits for it. If there is none, the calling
  /// thread no longer counts as one for blocking work.
  fileprivate mutating func nextPiece() -> (BlockingWork.Piece, isAwaited: Bool)? {
    if !blocking.queue.isEmpty {
      let piece = blocking.queue.removeFirst()
      return (piece, waits[.done(piece.number)] != nil)
    }
    blocking.threads -= 1
    if ending.isOver { pthread_detach(pthread_self()) } else { blocking.ended.append(pthread_self()) }
    ring()
    return nil
  }
}
