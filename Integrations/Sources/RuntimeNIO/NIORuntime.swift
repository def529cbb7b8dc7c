import Dispatch
import NIOCore
public import NIOPosix
public import Runtime
public import RuntimeKit
import RuntimePrimitives

/// A backend on SwiftNIO, whose event loops run the tasks and provide streams, listeners and timers.
///
/// A connection belongs to one loop for its lifetime, and a task that has waited for it resumes on that loop. A task
/// that blocks a loop blocks everything on that loop, as usual in NIO: there are no relief workers. Datagram sockets
/// are those of `RuntimeKit`, with a thread that waits for them, `gearbox-poll`. Blocking work runs on separate
/// threads, `gearbox-block`. `Task.sleep` and Swift's clocks use Dispatch's timers, and ``clock`` uses the loops'
/// timers.
public final class NIORuntime: AsyncRuntime {
  public let name = "nio"
  public let clock: TimerClock
  /// The services shared by all backends. They are public because ``spawn(_:_:)`` is inlinable.
  public let services: RuntimeServices
  public let taskExecutor: (any TaskExecutor)?
  let executor: LoopExecutor
  let channels = OpenChannels()
  let closingListeners = ClosingListeners()
  let group: MultiThreadedEventLoopGroup
  private let ownsGroup: Bool
  private let datagrams: PollerThread

  /// Creates a runtime on its own event loops.
  ///
  /// - Parameters:
  ///   - loops: the number of event loops, and so of threads; `nil` for one per available processor.
  ///   - blocking: the limits on blocking work.
  /// - Throws: the system's error if a descriptor or a thread cannot be created. NIO ends the process if it cannot
  ///   start its threads.
  public convenience init(loops: Int? = nil, blocking: BlockingLimits = BlockingLimits()) throws(Runtime.IOError) {
    precondition(loops.map { $0 > 0 } ?? true, "a runtime needs at least one event loop")
    try self.init(MultiThreadedEventLoopGroup(numberOfThreads: loops ?? availableCores()), isOwn: true, blocking)
  }

  /// Creates a runtime on the event loops of `group`, which the program may also use otherwise. Shutting the runtime
  /// down does not affect the group. The group must live until then.
  ///
  /// - Throws: the system's error if a descriptor or a thread cannot be created.
  public convenience init(
    group: MultiThreadedEventLoopGroup, blocking: BlockingLimits = BlockingLimits()
  ) throws(Runtime.IOError) {
    try self.init(group, isOwn: false, blocking)
  }

  private init(_ group: MultiThreadedEventLoopGroup, isOwn: Bool, _ blocking: BlockingLimits) throws(IOError) {
    let (executor, datagrams): (LoopExecutor, PollerThread)
    do throws(IOError) {
      executor = try LoopExecutor(group)
      do throws(IOError) {
        datagrams = try PollerThread(.best, name: "gearbox-poll")
      } catch {
        executor.stop()
        throw error
      }
    } catch {
      if isOwn { group.shutdownGracefully { _ in } }
      throw error
    }
    self.group = group
    self.executor = executor
    ownsGroup = isOwn
    taskExecutor = executor
    clock = TimerClock { executor.someLoop.sleeps }
    self.datagrams = datagrams
    services = RuntimeServices(clock: clock, blocking: blocking) { datagrams.poller }
  }

  public var workerCount: Int { executor.loops.count }

  public var metrics: RuntimeMetrics {
    // The loops share no queue.
    services.metrics(queueDepths: [0] + executor.loops.map(\.depth), workers: executor.loops.map(\.metrics))
  }

  @discardableResult
  @inlinable
  public func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    services.spawn(on: taskExecutor, options, operation)
  }

  @inlinable
  public func runBlocking<Success: Sendable>(
    _ work: sending @escaping () throws -> Success
  ) async throws -> Success {
    try await services.runBlocking(work)
  }

  public func bindDatagrams(
    on address: Runtime.SocketAddress, options: DatagramOptions
  ) async throws(Runtime.IOError) -> SocketDatagrams {
    try services.bindDatagrams(on: address, options: options)
  }

  public func shutdown(grace: Duration) async {
    await services.shutdown(grace: grace) { [channels, executor, datagrams] in
      channels.close()
      for loop in executor.loops { loop.sleeps.close() }
      datagrams.poller.closeSockets()
      datagrams.sleeps.close()
    } stop: { [group, ownsGroup, executor, datagrams] deadline in
      executor.stop()
      if ownsGroup {
        let hasEnded = DispatchSemaphore(value: 0)
        group.shutdownGracefully(queue: .global()) { _ in hasEnded.signal() }
        // A loop that is still in a job is abandoned.
        _ = hasEnded.wait(timeout: DispatchTime(uptimeNanoseconds: UInt64(clamping: deadline)))
      }
      datagrams.stop()
    }
  }
}
