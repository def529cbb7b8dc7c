import ConnectionHandler
import Glibc
import Runtime
import RuntimeTesting
import Testing

/// The connection handler of chapters 2 and 3, on streams in memory.
@Suite struct ConnectionHandlerTests {
  static let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

  @Test func theRootIsAnsweredWithTheHelloPage() async throws {
    let stream = ScriptedStream(Self.request)
    try await handleConnection(stream, clock: ContinuousClock(), sleep: .zero)
    #expect(stream.writtenText.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(stream.writtenText.hasSuffix("<p>Hi from Swift</p>\n"))
    #expect(stream.isClosed)
  }

  @Test(arguments: ["GET /nowhere HTTP/1.1", "GET  / HTTP/1.1", "POST / HTTP/1.1", "get / http/1.1", ""])
  func anythingElseIsNotFound(requestLine: String) async throws {
    let stream = ScriptedStream("\(requestLine)\r\n\r\n")
    try await handleConnection(stream, clock: ContinuousClock(), sleep: .zero)
    #expect(stream.writtenText.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
  }

  @Test(arguments: 1..<Self.request.utf8.count)
  func aRequestMayBeCutAnywhere(cut: Int) async throws {
    let bytes = Array(Self.request.utf8)
    let stream = ScriptedStream([Array(bytes[..<cut]), Array(bytes[cut...])])
    try await handleConnection(stream, clock: ContinuousClock(), sleep: .zero)
    #expect(stream.writtenText.hasPrefix("HTTP/1.1 200 OK\r\n"))
  }

  @Test func aStreamMayMoveOneByteAtATime() async throws {
    let stream = ScriptedStream(Self.request)
    try await handleConnection(OneByteStream(stream), clock: ContinuousClock(), sleep: .zero)
    #expect(stream.writtenText.hasSuffix("<p>Hi from Swift</p>\n"))
  }

  @Test(arguments: ["", "GET / HTTP/1.1\r\n"])
  func halfARequestIsNotAnswered(request: String) async throws {
    let stream = ScriptedStream(request)
    try await handleConnection(stream, clock: ContinuousClock(), sleep: .zero)
    #expect(stream.written.isEmpty)
    #expect(stream.isClosed)
  }

  @Test func aRequestThatGoesOnForTooLongIsGivenUp() async throws {
    let (client, server) = MemoryStream.pair()
    let handler = Task { try await handleConnection(server, clock: ContinuousClock(), sleep: .zero) }
    // Whoever goes on reading for ever never ends, and whoever gives up closes the stream, so that writing fails.
    await #expect(throws: IOError.self) { while true { try await client.write(Array("and so on ".utf8)) } }
    try await handler.value
  }

  @Test func aClientThatHangsUpBeforeItsAnswerIsAnErrorOfThatConnection() async throws {
    let (client, server) = MemoryStream.pair()
    try await client.write(Array(Self.request.utf8))
    client.close()
    await #expect(throws: IOError(.write, .system(EPIPE))) {
      try await handleConnection(server, clock: ContinuousClock(), sleep: .zero)
    }
  }

  @Test func aHandlerThatWaitsForItsClientEndsWhenItIsCancelled() async throws {
    let (client, server) = MemoryStream.pair()
    let handler = Task { try await handleConnection(server, clock: ContinuousClock(), sleep: .zero) }
    handler.cancel()
    await #expect(throws: IOError(.read, .cancelled)) { try await handler.value }
    #expect(try await client.read().isEmpty)  // The stream was closed behind it.
  }
}
