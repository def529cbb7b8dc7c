import NIOCore
import NIOPosix
import Runtime
import RuntimeCustom
import RuntimeHTTP
import RuntimeNIO
import Testing

/// Channels of a SwiftNIO server.
@Suite(.timeLimit(.minutes(5))) struct NIOStreamTests {
  /// Runs `body` with a connection to a NIO server that hands each connection to `serve`, in a task on `runtime`.
  private func withServer(
    _ runtime: some AsyncRuntime,
    on group: MultiThreadedEventLoopGroup = MultiThreadedEventLoopGroup(numberOfThreads: 2),
    serve: @escaping @Sendable (NIOStream) async throws -> Void, _ body: (any ByteStream) async throws -> Void
  ) async throws {
    let listening = try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let stream = try NIOStream(channel)
          runtime.spawn { try await serve(stream) }
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(listening.localAddress?.port)
    let stream = try await runtime.connect(to: .loopback(port: UInt16(port)))
    try await body(stream)
    stream.close()
    try await listening.close()
    await runtime.shutdown()
    try await group.shutdownGracefully()
  }

  @Test func `A channel's stream carries megabytes both ways, to tasks of any runtime`() async throws {
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let runtime = try CustomRuntime(workers: 2)
    try await withServer(runtime) { stream in
      while case let some = try await stream.read(upTo: 100_000), !some.isEmpty { try await stream.write(some) }
      try stream.shutdownWrite()
    } _: { stream in
      let writer = runtime.spawn {
        try await stream.write(bytes)
        try await stream.shutdownWrite()
      }
      var echo: [UInt8] = []
      while case let some = try await stream.read(upTo: 100_000), !some.isEmpty { echo += some }
      try await writer.value
      #expect(echo == bytes)
    }
  }

  @Test func `Closing sends earlier writes to a peer that reads later`() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let runtime = try NIORuntime(group: group)
    let (closed, isClosed) = AsyncStream.makeStream(of: Int.self)
    try await withServer(runtime, on: group) { stream in
      // On the channel's own loop, until the socket is full and the channel holds the rest.
      let block = [UInt8](repeating: 7, count: 100_000)
      var (written, refusals) = (0, 0)
      while refusals < 2 {
        let count = try stream.tryWrite(block.span.bytes)
        written += count
        // A single refusal may mean that other tasks are to have a turn.
        refusals = count == 0 ? refusals + 1 : 0
      }
      stream.close()
      isClosed.yield(written)
      isClosed.finish()
    } _: { stream in
      let written = try #require(await closed.first { _ in true })
      var count = 0
      while case let some = try await stream.read(upTo: 100_000), !some.isEmpty { count += some.count }
      #expect(count == written)
      #expect(written >= 128 * 1024)
    }
  }

  @Test func `A Gearbox server without a listener serves a channel`() async throws {
    let runtime = try CustomRuntime(workers: 2)
    var router = Router()
    router.get("/") { _ in .text("hello") }
    router.post("/echo") { request in
      .text(String(decoding: try await request.body.collect(upTo: 1 << 20), as: UTF8.self))
    }
    let server = Server(runtime: runtime, handler: router)
    try await withServer(runtime) { stream in
      try await server.serve(stream)
    } _: { stream in
      let content = String(repeating: "x", count: 300_000)
      try await stream.write(
        Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
          + Array(
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\nConnection: close\r\n\r\n\(content)".utf8))
      var answer: [UInt8] = []
      while case let some = try await stream.read(upTo: 100_000), !some.isEmpty { answer += some }
      let text = String(decoding: answer, as: UTF8.self)
      #expect(text.split(separator: "HTTP/1.1 200 OK").count == 2)
      #expect(text.hasSuffix("\r\n\r\n" + content))
      await server.shutdown()
    }
  }

  @Test func `Dropping a stream closes it`() async throws {
    let runtime = try CustomRuntime(workers: 1)
    try await withServer(runtime) { stream in
      try await stream.write(Array("bye".utf8))
    } _: { stream in
      var text: [UInt8] = []
      while case let some = try await stream.read(upTo: 10), !some.isEmpty { text += some }
      #expect(text == Array("bye".utf8))
    }
  }
}
