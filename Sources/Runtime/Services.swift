import Dispatch

/// What every backend does alike: its network, its blocking work, the tasks on it, and its end.
@usableFromInline
package final class Services: Sendable {
  package let network: Network
  @usableFromInline package let blocking: BlockingPool
  @usableFromInline package let tasks = LiveTasks()
  private let ending = Monitor(Ending())

  private struct Ending {
    var hasBegun = false
    var isDone = false
  }

  /// - Parameters:
  ///   - poller: the poller for the next socket.
  ///   - clock: what to sleep on where no descriptor tells that it is time to try again.
  ///   - limits: how much blocking work there may be.
  package init(
    clock: TimerClock, blocking limits: BlockingLimits, poller: @escaping @Sendable () -> any Poller
  ) {
    network = Network(poller: poller, clock: clock)
    blocking = BlockingPool(threadName: "gearbox-block", limits: limits)
  }

  package func metrics(queueDepths: [Int], workers: [WorkerMetrics], watchdog: Watchdog?) -> RuntimeMetrics {
    var metrics = RuntimeMetrics()
    metrics.tasks = tasks.count
    metrics.queueDepths = queueDepths
    metrics.workers = workers
    let (threads, queued, refused) = blocking.load
    metrics.blockingThreads = threads
    metrics.blockingQueueDepth = queued
    metrics.refusedBlockingCalls = refused
    watchdog?.add(to: &metrics)
    return metrics
  }

  /// Ends what waits, waits for the tasks, and then calls `stop`, which ends the backend's own threads.
  ///
  /// - Parameters:
  ///   - isWithin: whether the task that calls is one of the runtime's own.
  ///   - endWaits: closes the backend's sockets and sleeps.
  package func shutdown(
    grace: Duration, isWithin: Bool,
    endWaits: @escaping @Sendable () -> Void, stop: @escaping @Sendable () -> Void
  ) async {
    let isFirst = ending.withLock { ending in
      defer { ending.hasBegun = true }
      return !ending.hasBegun
    }
    if isFirst {
      network.close()
      endWaits()
    }
    await withUnsafeContinuation { continuation in
      // Threads are joined on a thread that is none of them and that the process has anyway.
      DispatchQueue.global().async { [self] in
        if isFirst {
          let deadline = deadline(grace.nanoseconds)
          tasks.wait(untilAtMost: isWithin ? 1 : 0, deadline: deadline)
          blocking.shutdown(deadline: deadline)
          stop()
          ending.withLock { $0.isDone = true }
          ending.notifyAll()
        } else {
          ending.wait { ending, _ in ending.isDone ? () : nil }
        }
        continuation.resume()
      }
    }
  }
}
