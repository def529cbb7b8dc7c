import NIOCore
import RuntimeKit

/// Makes an event loop fire a sleep queue. The loop's timers are NIO's, and a single timer serves all sleeping tasks.
final class LoopTimer: @unchecked Sendable {  // Mutable state is accessed on the loop only.
  private let eventLoop: any EventLoop
  /// The times of the loop's timers, in nanoseconds of the monotonic clock, latest first.
  private var times: [Int64] = []

  init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  /// Wakes the tasks of `queue` whose deadline has passed, and sets a timer for the next deadline, unless there is one
  /// that is not later. Must be called on the loop.
  func fire(_ queue: SleepQueue) {
    guard let next = queue.fire(), next < times.last ?? .max else { return }
    let callback = Callback(timer: self, queue: queue)
    // It throws if the loop is shutting down, when no task is left to wake.
    guard (try? eventLoop.scheduleCallback(at: .uptimeNanoseconds(UInt64(clamping: next)), handler: callback)) != nil
    else {
      return
    }
    times.append(next)
  }

  private struct Callback: NIOScheduledCallbackHandler, Sendable {
    let timer: LoopTimer
    let queue: SleepQueue

    func handleScheduledCallback(eventLoop: some EventLoop) {
      // Timers fire in the order of their times.
      timer.times.removeLast()
      timer.fire(queue)
    }
  }
}
