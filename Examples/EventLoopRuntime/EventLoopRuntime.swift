public import Runtime
public import RuntimeKit

/// A backend on one thread, an event loop, built from the parts in `RuntimeKit`.
public final class EventLoopRuntime: SocketRuntime {
  public let name = "event-loop"
  public let workerCount = 1
  public let clock: TimerClock
  private let loop: EventLoop
  public let services: RuntimeServices

  public init() throws(IOError) {
    let loop = try EventLoop()
    self.loop = loop
    clock = TimerClock { loop.sleeps }
    services = RuntimeServices(clock: clock) { loop.poller }
  }

  public var taskExecutor: (any TaskExecutor)? { loop }
  public var metrics: RuntimeMetrics { services.metrics() }

  public func shutdown(grace: Duration) async {
    await services.shutdown(grace: grace) { [loop] in
      loop.poller.closeSockets()
      loop.sleeps.close()
    } stop: { [loop] deadline in
      loop.stop(deadline: deadline)
    }
  }
}
