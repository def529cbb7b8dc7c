import NIOCore
import RuntimeKit

/// Has an event loop fire a sleep queue: the loop's timers are NIO's, and one serves all the tasks that sleep.
final class LoopAlarm: @unchecked Sendable {  // What changes is touched on the loop alone.
  private let eventLoop: any EventLoop
  /// For when the loop's timers are set, in nanoseconds of the monotonic clock: the next one last.
  private var times: [Int64] = []

  init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  /// Wakes the tasks of `queue` whose time has come, and sets a timer for the next, unless there is one that is no later.
  /// On the loop.
  func fire(_ queue: SleepQueue) {
    guard let next = queue.fire(), next < times.last ?? .max else { return }
    let timer = Timer(alarm: self, queue: queue)
    // It throws if the loop is being shut down, and then nothing has to be woken any more.
    guard (try? eventLoop.scheduleCallback(at: .uptimeNanoseconds(UInt64(clamping: next)), handler: timer)) != nil
    else {
      return
    }
    times.append(next)
  }

  private struct Timer: NIOScheduledCallbackHandler, Sendable {
    let alarm: LoopAlarm
    let queue: SleepQueue

    func handleScheduledCallback(eventLoop: some EventLoop) {
      // They go off in the order of their times.
      alarm.times.removeLast()
      alarm.fire(queue)
    }
  }
}
