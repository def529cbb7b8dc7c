import Runtime
import RuntimeCustom
import RuntimeKit
import RuntimeNIO
import RuntimeTesting
import Testing

/// Streams on NIO's event loops whose tasks run on another runtime: the promises of a stream hold there too.
@Suite(.timeLimit(.minutes(10)), .serialized) struct OtherTasksTests {
  private static let areas: Set<RuntimeConformance.Area> = [
    .streams, .listeners, .addresses, .cancellation, .closing, .faults, .load, .leaks,
  ]

  @Test(
    arguments: RuntimeConformance.cases.filter { areas.contains($0.area) && !$0.needs.contains(.quietProcess) })
  func `Streams keep their promises to tasks of another runtime`(promise: RuntimeConformance.Case) async throws {
    try await promise.check(within: .seconds(300)) { try MixedRuntime() }
  }
}

/// The tasks of one runtime and the network of another.
private struct MixedRuntime: AsyncRuntime {
  let name = "mixed"
  private let tasks: CustomRuntime
  private let network: NIORuntime

  init() throws(IOError) {
    tasks = try CustomRuntime(workers: 2)
    network = try NIORuntime(loops: 2)
  }

  var workerCount: Int { tasks.workerCount }
  var clock: TimerClock { tasks.clock }
  var taskExecutor: (any TaskExecutor)? { tasks.taskExecutor }
  var metrics: RuntimeMetrics { tasks.metrics }

  func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    tasks.spawn(options, operation)
  }

  func listen(on address: SocketAddress, options: ListenOptions) async throws(IOError) -> NIOListener {
    try await network.listen(on: address, options: options)
  }

  func listen(onInherited socket: InheritedSocket, options: ListenOptions) async throws(IOError) -> NIOListener {
    try await network.listen(onInherited: socket, options: options)
  }

  func connect(to address: SocketAddress, options: ConnectOptions) async throws(IOError) -> NIOStream {
    try await network.connect(to: address, options: options)
  }

  func bindDatagrams(on address: SocketAddress, options: DatagramOptions) async throws(IOError) -> SocketDatagrams {
    try await network.bindDatagrams(on: address, options: options)
  }

  func runBlocking<Success: Sendable>(_ work: sending @escaping () throws -> Success) async throws -> Success {
    try await tasks.runBlocking(work)
  }

  func shutdown(grace: Duration) async {
    await network.shutdown(grace: .zero)
    await tasks.shutdown(grace: grace)
  }
}
