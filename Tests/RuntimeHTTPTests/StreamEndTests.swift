import Runtime
import RuntimePrimitives
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// How an HTTP/1 connection closes its stream. Over TLS this distinguishes a complete response from a part of one.
@Suite(.timeLimit(.minutes(1))) struct StreamEndTests {
  /// A stream that records how it was first closed.
  private final class EndNotingStream: ByteStream {
    enum End { case said, cutOff }

    private let base: AnyStream
    private let noted = Lock<End?>(nil)

    init(_ base: some ByteStream) { self.base = AnyStream(base) }

    var end: End? { noted.withLock(\.self) }

    private func note(_ end: End) { noted.withLock { $0 = $0 ?? end } }

    func waitUntilReadable() async throws(IOError) { try await base.waitUntilReadable() }
    func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int { try await base.read(into: &buffer) }
    func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int { try await base.writeSome(bytes) }

    func shutdownWrite() async throws(IOError) {
      note(.said)
      try await base.shutdownWrite()
    }

    func close() {
      note(.cutOff)
      base.close()
    }

    func closeOrderly() {
      note(.said)
      base.close()
    }

    func closeAndWait() async {
      note(.said)
      base.close()
    }
  }

  private func end(after requests: String, _ handler: HandlerFunction) async -> EndNotingStream.End? {
    let stream = EndNotingStream(ScriptedStream(requests))
    await serveConnection(stream, clock: ContinuousClock(), options: .quiet, handler: handler)
    return stream.end
  }

  @Test(arguments: ["", "Connection: close\r\n"], ["1.0", "1.1"])
  func `a connection that has sent its last response completely announces its end`(
    field: String, version: String
  ) async {
    let end = await end(
      after: "GET / HTTP/\(version)\r\nHost: a\r\n\(field)\r\n", HandlerFunction { _ in .text("whole") })
    #expect(end == .said)
  }

  @Test func `a connection whose response has failed midway cuts off its stream`() async {
    struct Fault: Error {}
    let end = await end(
      after: "GET / HTTP/1.0\r\n\r\n",
      HandlerFunction { _ in
        Response(
          body: .stream { writer in
            try await writer.write("a part")
            try await writer.flush()
            throw Fault()
          })
      })
    #expect(end == .cutOff)
  }

  @Test(arguments: ["", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"])
  func `a connection that is idle for too long announces its end`(request: String) async throws {
    try await inVirtualTime { clock in
      let (near, far) = MemoryStream.pair()
      let stream = EndNotingStream(far)
      try await near.write(request)
      await serveConnection(stream, clock: clock, options: .quiet, handler: HandlerFunction { _ in .text("whole") })
      #expect(stream.end == .said)
      near.close()
    }
  }
}
