import Glibc
import Runtime
import RuntimeConcurrency
import RuntimeKit
import RuntimeTestSupport

@testable import bring_your_own_executor

/// The executor and the streams of chapter 11 as a runtime, on sockets. Another runtime provides the clock, datagrams
/// and blocking work.
struct LoopRuntime: AsyncRuntime {
  let name = "loop"
  let workerCount = 1
  private let loop: EventLoop
  private let base: ConcurrencyRuntime
  /// Closures that close each stream and listener.
  private let closers = Recorder<@Sendable () -> Void>()

  init(_ loop: EventLoop) throws(IOError) {
    self.loop = loop
    base = try ConcurrencyRuntime()
  }

  var taskExecutor: (any TaskExecutor)? { loop }
  var clock: TimerClock { base.clock }
  var metrics: RuntimeMetrics { base.metrics }

  @discardableResult
  func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    base.spawn(options) { [loop] in try await withTaskExecutorPreference(loop, operation: operation) }
  }

  func listen(on address: SocketAddress, options: ListenOptions) async throws(IOError) -> LoopListener {
    let descriptor = try makeSocket(address)
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    let outcome = address.withSystemAddress { bind(descriptor, $0, $1) }
    guard outcome == 0, Glibc.listen(descriptor, options.backlog) == 0 else {
      let code = errno
      close(descriptor)
      throw IOError(.bind, .system(code))
    }
    let listener = LoopListener(descriptor, loop) { stream(on: $0) }
    closers.record { listener.close() }
    return listener
  }

  /// Blocks the thread, for a short time on the loopback device.
  func connect(to address: SocketAddress, options: ConnectOptions) async throws(IOError) -> DescriptorStream {
    let descriptor = try makeSocket(address)
    guard address.withSystemAddress({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
      let code = errno
      close(descriptor)
      throw IOError(.connect, .system(code))
    }
    return stream(on: descriptor)
  }

  func bindDatagrams(on address: SocketAddress, options: DatagramOptions) async throws(IOError) -> SocketDatagrams {
    try await base.bindDatagrams(on: address, options: options)
  }

  func runBlocking<Success: Sendable>(_ work: sending @escaping () throws -> Success) async throws -> Success {
    try await base.runBlocking(work)
  }

  func shutdown(grace: Duration) async {
    for close in closers.elements { close() }
    await base.shutdown(grace: grace)
  }

  private func makeSocket(_ address: SocketAddress) throws(IOError) -> Int32 {
    // Closed on exec, since the programs of other tests would otherwise keep it open.
    let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw IOError(.socket, .system(errno)) }
    return descriptor
  }

  private func stream(on descriptor: Int32) -> DescriptorStream {
    let stream = DescriptorStream(input: descriptor, output: fcntl(descriptor, F_DUPFD_CLOEXEC, 0), loop: loop)
    closers.record { stream.close() }
    return stream
  }
}

/// A listening socket on an event loop.
final class LoopListener: StreamListener {
  private let descriptor: Int32
  private let loop: EventLoop
  private let makeStream: @Sendable (Int32) -> DescriptorStream
  private let isClosed = Recorder<Void>()

  let localAddress: SocketAddress

  init(_ descriptor: Int32, _ loop: EventLoop, makeStream: @escaping @Sendable (Int32) -> DescriptorStream) {
    self.descriptor = descriptor
    self.loop = loop
    self.makeStream = makeStream
    localAddress = SocketAddress(writtenBy: { getsockname(descriptor, $0, $1) }) ?? .loopback(port: 0)
  }

  func accept() async throws(IOError) -> DescriptorStream {
    try checkOpen()
    try await loop.wait(for: .accept, on: descriptor)
    try checkOpen()
    let connection = Glibc.accept(descriptor, nil, nil)
    guard connection >= 0 else { throw IOError(.accept, .system(errno)) }
    _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
    return makeStream(connection)
  }

  private func checkOpen() throws(IOError) {
    if !isClosed.elements.isEmpty { throw IOError(.accept, .closed) }
  }

  func close() {
    guard isClosed.elements.isEmpty else { return }
    isClosed.record(())
    loop.forget(descriptor)
    Glibc.close(descriptor)
  }
}
