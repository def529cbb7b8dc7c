import Dispatch

/// What every backend does alike: its network, its blocking work, the tasks on it, and its end.
@usableFromInline
package final class Services: Sendable {
  package let network: SocketNetwork
  @usableFromInline package let blocking: BlockingPool
  @usableFromInline package let tasks = LiveTasks()
  private let ending = Lock(Ending.notBegun)
  /// The thread that ends the runtime, until a caller of `shutdown` has joined it.
  private let thread = Lock<Thread?>(nil)

  private enum Ending {
    case notBegun
    /// Those that wait for the end.
    case underWay([UnsafeContinuation<Void, Never>])
    case done
  }

  /// - Parameters:
  ///   - poller: the poller for the next socket.
  ///   - clock: what to sleep on where no descriptor tells that it is time to try again.
  ///   - limits: how much blocking work there may be.
  package init(
    clock: TimerClock, blocking limits: BlockingLimits, poller: @escaping @Sendable () -> any Poller
  ) {
    network = SocketNetwork(poller: poller, clock: clock)
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
  /// It needs no thread but one that it starts, and blocks no other: those that call it are suspended.
  ///
  /// - Parameters:
  ///   - endWaits: closes the backend's sockets and sleeps.
  ///   - stop: ends the backend's own threads, and leaves alone those that are not done at the deadline that it is given.
  package func shutdown(
    grace: Duration, endWaits: @escaping @Sendable () -> Void, stop: @escaping @Sendable (_ deadline: Int64) -> Void
  ) async {
    let deadline = deadline(max(0, grace.nanoseconds))
    tasks.excuseCaller()
    await withUnsafeContinuation { continuation in
      let (isFirst, isDone) = ending.withLock { ending in
        switch ending {
        case .notBegun:
          ending = .underWay([continuation])
          return (true, false)
        case .underWay(let callers):
          ending = .underWay(callers + [continuation])
          return (false, false)
        case .done: return (false, true)
        }
      }
      if isDone { return continuation.resume() }
      guard isFirst else { return }
      network.close()
      endWaits()
      startThread { [self] in
        tasks.wait(until: deadline)
        blocking.shutdown(deadline: deadline)
        stop(deadline)
        let outcome = ending.withLock { exchange(&$0, with: .done) }
        guard case .underWay(let callers) = outcome else { return }
        for caller in callers { caller.resume() }
      }
    }
    // It has nothing more to do. A caller that comes back finds nothing of it.
    thread.withLock { thread in exchange(&thread, with: nil)?.join() }
  }

  private func startThread(_ body: @escaping @Sendable () -> Void) {
    thread.withLock { thread in
      do throws(IOError) {
        thread = try Thread(name: "gearbox-end", body)
      } catch {
        // Where the system has no thread left, Dispatch may have one.
        DispatchQueue.global().async(execute: body)
      }
    }
  }
}
