import ConnectionHandler
import Glibc
import Runtime
import RuntimeTesting
import Testing

/// The connection handler of chapters 2 and 3, on streams in memory.
@Suite struct ConnectionHandlerTests {
  static let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

  @Test func `The root is answered with the hello page`() async throws {
    let stream = ScriptedStream(Self.request)
    try await handleConnection(stream, clock: ContinuousClock(), sleep: .zero)
    #expect(stream.writtenText.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(stream.writtenText.hasSuffix("<p>Hi from Swift</p>\n"))
    #expect(stream.isClosed)
  }

  @Test(arguments: ["GET /nowhere HTTP/1.1", "GET  / HTTP/1.1", "POST / HTTP/1.1", "get / http/1.1", ""])
  func `Anything else is not found`(requestLine: String) async throws {
    let stream = ScriptedStream("\(requestLine)\r\n\r\n")
    try await handleConnection(stream, clock: ContinuousClock(), sleep: .zero)
    #expect(stream.writtenText.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
  }

  @Test(arguments: 1..<Self.request.utf8.count)
  func `A request may be cut anywhere`(cut: Int) async throws {
    let bytes = Array(Self.request.utf8)
    let stream = ScriptedStream([Array(bytes[..<cut]), Array(bytes[cut...])])
    try await handleConnection(stream, clock: ContinuousClock(), sleep: .zero)
    #expect(stream.writtenText.hasPrefix("HTTP/1.1 200 OK\r\n"))
  }

  @Test func `A stream may move one byte at a time`() async throws {
    let stream = ScriptedStream(Self.request)
    try await handleConnection(OneByteStream(stream), clock: ContinuousClock(), sleep: .zero)
    #expect(stream.writtenText.hasSuffix("<p>Hi from Swift</p>\n"))
  }

  @Test(arguments: ["", "GET / HTTP/1.1\r\n"])
  func `Half a request is not answered`(request: String) async throws {
    let stream = ScriptedStream(request)
    try await handleConnection(stream, clock: ContinuousClock(), sleep: .zero)
    #expect(stream.written.isEmpty)
    #expect(stream.isClosed)
  }

  @Test func `A request that is too long is given up`() async throws {
    let (client, server) = MemoryStream.pair()
    let handler = Task { try await handleConnection(server, clock: ContinuousClock(), sleep: .zero) }
    // A handler that reads without a limit would never end this loop. One that gives up closes the stream, so that
    // writing fails.
    await #expect(throws: IOError.self) { while true { try await client.write(Array("and so on ".utf8)) } }
    try await handler.value
  }

  @Test func `A client that disconnects before its answer is an error of that connection only`() async throws {
    let (client, server) = MemoryStream.pair()
    try await client.write(Array(Self.request.utf8))
    client.close()
    await #expect(throws: IOError(.write, .system(EPIPE))) {
      try await handleConnection(server, clock: ContinuousClock(), sleep: .zero)
    }
  }

  @Test func `A handler that waits for its client ends when it is cancelled`() async throws {
    let (client, server) = MemoryStream.pair()
    let handler = Task { try await handleConnection(server, clock: ContinuousClock(), sleep: .zero) }
    handler.cancel()
    await #expect(throws: IOError(.read, .cancelled)) { try await handler.value }
    #expect(try await client.read().isEmpty)  // The stream was closed after it.
  }
}
