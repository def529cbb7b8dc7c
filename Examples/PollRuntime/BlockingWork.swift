import Glibc
import Runtime
import Synchronization

/// Work that may block, and the threads that do it: one a piece, up to a limit.
struct BlockingWork {
  typealias Piece = (number: Int, run: @Sendable () -> Void)

  static let limits = BlockingLimits()
  var queue: [Piece] = []
  var threads = 0
  /// Calls that have been refused.
  var refused = 0
  /// Threads that have nothing left to do but to end. A thread takes memory until somebody joins it.
  var ended: [pthread_t] = []

  var isFull: Bool { threads >= Self.limits.threads && queue.count >= Self.limits.queued }
}

extension RunLoop {
  /// Runs `work` on a thread other than the loop's.
  func runBlocking<Success: Sendable>(_ work: sending @escaping () throws -> Success) async throws -> Success {
    let number = state.withLock { $0.nextNumber() }
    // Each is used by one thread at a time: the queue's lock orders the way there, and the end of the wait the way back.
    nonisolated(unsafe) let work = work
    nonisolated(unsafe) var result: Result<Success, any Error>?
    let reason = await wait(for: .done(number)) { queue((number, { result = Result { try work() } })) }
    if reason == .busy { throw BlockingWorkRefused(BlockingWork.limits) }
    if let reason, reason.errno != nil { throw IOError(.thread, reason) }
    guard reason == nil, let result else { throw CancellationError() }
    return try result.get()
  }

  private func queue(_ piece: BlockingWork.Piece) {
    var abandoned: [BlockingWork.Piece] = []  // Let go without the lock, as below.
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
        // Where there are other threads, one of them will come to it.
        if state.blocking.threads > 0 { return nil }
        state.blocking.queue.removeLast()
        return error.reason
      }
    }
    _ = abandoned
    if let refusal { end([.done(piece.number)], because: refusal) }
  }

  /// What a thread for blocking work does. It takes care not to let go of work under the lock: a stream that goes with it
  /// is closed, and takes the lock again.
  @Sendable private func doBlockingWork() {
    while let (piece, isAwaited) = state.withLock({ $0.nextPiece() }) {
      guard isAwaited else { continue }
      piece.run()
      end([.done(piece.number)])
    }
  }
}

extension RunLoop.State {
  /// Takes work whose wait has been cancelled out of the queue.
  fileprivate mutating func removeAbandoned() -> [BlockingWork.Piece] {
    let pieces = exchange(&blocking.queue, with: [])
    blocking.queue = pieces.filter { waits[.done($0.number)] != nil }
    return pieces.filter { waits[.done($0.number)] == nil }
  }

  /// Takes a piece of work, and says whether its wait has not been cancelled; where there is none, the thread that asks
  /// counts no longer.
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
