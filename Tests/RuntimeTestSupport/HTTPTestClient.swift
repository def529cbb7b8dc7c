package import Runtime
import RuntimeHTTP
import RuntimeTesting

/// The client's side of an HTTP/1 connection, for tests: it sends any bytes, valid or not, and reads one response at a
/// time, strictly.
///
/// It uses the parts of the engine that both ends of a connection share. Use it from one task at a time.
package final class HTTPTestClient<Stream: ByteStream> {
  package let stream: Stream
  private var decoder = MessageDecoder<StatusLine>(
    limits: MessageLimits(startLine: 8 * 1024, head: 64 * 1024, fields: 1000))
  /// Bytes that have been read but not decoded.
  private var input = ByteBuffer(capacity: 0)

  /// A client on `stream`.
  package init(_ stream: Stream) { self.stream = stream }

  // MARK: Sending

  /// Sends `text` unchanged.
  package func send(_ text: String) async throws { try await stream.write(text) }

  /// Sends `bytes` unchanged.
  package func send(_ bytes: [UInt8]) async throws { try await stream.write(bytes) }

  /// Sends a request without a body, and reads the response to it.
  package func request(_ method: String, _ target: String, _ fields: String...) async throws -> TestResponse {
    try await request(method, target, fields)
  }

  /// `GET target`, and the response to it.
  package func get(_ target: String, _ fields: String...) async throws -> TestResponse {
    try await request("GET", target, fields)
  }

  private func request(_ method: String, _ target: String, _ fields: [String]) async throws -> TestResponse {
    var head: HeaderFields = ["Host": "localhost"]
    for field in fields {
      let colon = field.firstIndex(of: ":") ?? field.endIndex
      try head.append(String(field[..<colon]), String(field[colon...].dropFirst()))
    }
    var output = ByteBuffer(capacity: 256)
    var encoder = MessageEncoder()
    encoder.appendHead(Self.method(method), target, head, into: &output)
    try await stream.write(Array(output.contents))
    return try await readResponse(to: method)
  }

  private static func method(_ name: String) -> Method {
    guard let method = Method(name) else { preconditionFailure("\(name) is not a method; use send()") }
    return method
  }

  // MARK: Reading

  /// Reads one complete response. A response to `HEAD` has no body; an interim one (1xx) counts as a response here.
  package func readResponse(to method: String = "GET") async throws -> TestResponse {
    var response = try await readHead(to: method)
    while let content = try await readContent() { response.body += content }
    response.trailers = decoder.trailers.map { ($0.name, $0.value) }
    return response
  }

  /// Reads a response's status line and fields, and leaves its body on the stream.
  package func readHead(to method: String = "GET") async throws -> TestResponse {
    if decoder.isComplete { decoder.beginNext() }
    decoder.start.requestMethod = Self.method(method)
    guard case .head = try await next() else { throw TestClientError.malformed("content in place of a head") }
    return TestResponse(
      version: "\(decoder.start.version)", status: Int(decoder.start.status.code),
      reason: String(decoding: decoder.start.reason, as: UTF8.self),
      fields: decoder.fields.map { ($0.name, $0.value) })
  }

  /// Reads one chunk of a chunked body; `nil` for the last and the trailers.
  package func readChunk() async throws -> [UInt8]? {
    var chunk: [UInt8] = []
    repeat {
      // Byte by byte, so that nothing behind the chunk is read.
      guard let piece = try await readContent(upTo: 1) else { return nil }
      chunk += piece
    } while chunk.isEmpty || decoder.isWithinChunk
    return chunk
  }

  /// Reads `count` bytes of a body or, if it has ended, of what follows it in any protocol.
  package func readExactly(_ count: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      if !decoder.isComplete {
        if let content = try await readContent() { bytes += content }
        continue
      }
      if input.isEmpty {
        let more = try await stream.read()
        if more.isEmpty { throw TestClientError.endOfStream }
        input.append(more.span)
      }
      let some = input.contents.prefix(count - bytes.count)
      bytes += some
      input.consume(some.count)
    }
    guard bytes.count == count else { throw TestClientError.malformed("\(bytes.count) bytes instead of \(count)") }
    return bytes
  }

  /// All bytes up to the end of the stream, undecoded.
  package func readToEnd() async throws -> [UInt8] { takeBuffer() + (try await stream.readToEnd()) }

  /// Removes the bytes that were read from the stream but not used.
  func takeBuffer() -> [UInt8] {
    defer { input.removeAll() }
    return Array(input.contents)
  }

  /// The next piece of content; `nil` at its end.
  private func readContent(upTo limit: Int = .max) async throws -> [UInt8]? {
    switch try await next(upTo: limit) {
    case .content(let content): content
    case .end: nil
    case .head: throw TestClientError.malformed("a head in place of content")
    }
  }

  private enum Event {
    case head
    case content([UInt8])
    case end
  }

  /// The next event. It decodes at most `limit` bytes, which need not be content.
  private func next(upTo limit: Int = .max) async throws -> Event {
    while true {
      let count = input.count
      if let event = try decode(upTo: limit) { return event }
      if limit < .max, input.count < count { return .content([]) }
      try await fill()
    }
  }

  private func decode(upTo limit: Int) throws -> Event? {
    let bytes = input.contents.prefix(limit)
    var position = 0
    defer { input.consume(position) }
    do throws(WireError) {
      return switch try decoder.next(UnsafeBufferPointer(rebasing: bytes).span, at: &position) {
      case .needsInput: nil
      case .head: .head
      case .body(let range): .content(Array(bytes[range]))
      case .end: .end
      }
    } catch {
      throw TestClientError.malformed("\(error)")
    }
  }

  private func fill() async throws {
    let bytes = try await stream.read()
    input.append(bytes.span)
    guard bytes.isEmpty else { return }
    // The end of the stream may only end a body that has no other end.
    if decoder.isBetweenMessages { throw TestClientError.endOfStream }
    do { try decoder.finish() } catch { throw TestClientError.endOfStream }
  }
}

/// An error of a test client.
package enum TestClientError: Error, Equatable {
  /// The stream ended in the middle of a message.
  case endOfStream
  /// The peer sent something that a server must not send.
  case malformed(String)
}

/// A response as received.
package struct TestResponse: Sendable {
  package var version: String
  package var status: Int
  package var reason: String
  package var fields: [(name: String, value: String)]
  package var body: [UInt8] = []
  package var trailers: [(name: String, value: String)] = []

  /// The body as text.
  package var text: String { String(decoding: body, as: UTF8.self) }

  /// The value of the first field called `name`, in any case.
  package subscript(name: String) -> String? { values(of: name).first }

  /// The values of all fields called `name`, in any case.
  package func values(of name: String) -> [String] {
    fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
  }
}
