import Dispatch
import NIOCore
public import NIOPosix
public import Runtime
public import RuntimeKit
import RuntimePrimitives

/// The backend on SwiftNIO: its event loops run the tasks, and streams, listeners and timers are theirs.
///
/// A connection belongs to one loop for life, and a task that has waited for it goes on on that loop. A task that blocks a
/// loop keeps everything waiting that belongs to the loop, as anywhere in NIO: there are no relief workers. Sockets for
/// datagrams are `RuntimeKit`'s, with a thread that waits for them, `gearbox-poll`; blocking work has threads of its own,
/// `gearbox-block`. `Task.sleep` and Swift's clocks go by Dispatch's timers, ``clock`` by the loops'.
public final class NIORuntime: AsyncRuntime {
  public let name = "nio"
  public let clock: TimerClock
  /// What the runtime does alike with others; it is public for the sake of ``spawn(_:_:)``, which is inlinable.
  public let services: RuntimeServices
  public let taskExecutor: (any TaskExecutor)?
  let executor: LoopExecutor
  let channels = OpenChannels()
  let closingListeners = ClosingListeners()
  let group: MultiThreadedEventLoopGroup
  private let ownsGroup: Bool
  private let datagrams: PollerThread

  /// A runtime on event loops of its own.
  ///
  /// - Parameters:
  ///   - loops: how many event loops, and so threads, run tasks; `nil` for as many as there are processors to use.
  ///   - blocking: how much blocking work there may be at once.
  /// - Throws: what the system says if it has no descriptor or thread to give. NIO ends the process if it cannot start its
  ///   threads.
  public convenience init(loops: Int? = nil, blocking: BlockingLimits = BlockingLimits()) throws(Runtime.IOError) {
    precondition(loops.map { $0 > 0 } ?? true, "a runtime has at least one event loop")
    try self.init(MultiThreadedEventLoopGroup(numberOfThreads: loops ?? availableCores()), isOwn: true, blocking)
  }

  /// A runtime on the event loops of `group`, beside what else the program does there. Shutting it down leaves the group as
  /// it is; the group has to live until then.
  ///
  /// - Throws: what the system says if it has no descriptor or thread to give.
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
        executor.end()
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
    // There is no queue that the loops share.
    services.metrics(queueDepths: [0] + executor.loops.map(\.depth), workers: executor.loops.map(\.done))
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
      executor.end()
      if ownsGroup {
        let hasEnded = DispatchSemaphore(value: 0)
        group.shutdownGracefully(queue: .global()) { _ in hasEnded.signal() }
        // A loop that is in a job then is left alone.
        _ = hasEnded.wait(timeout: DispatchTime(uptimeNanoseconds: UInt64(clamping: deadline)))
      }
      datagrams.stop()
    }
  }
}
