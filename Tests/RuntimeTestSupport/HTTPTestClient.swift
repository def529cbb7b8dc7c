package import Runtime
import RuntimeTesting

/// The client's side of an HTTP/1 connection, for tests: it sends what it is told, however wrong, and reads one response
/// at a time, strictly.
///
/// It knows nothing of the engine it tests. Use one from one task at a time.
package final class HTTPTestClient<Stream: ByteStream> {
  package let stream: Stream
  private var buffer: ArraySlice<UInt8> = []

  /// A client on `stream`.
  package init(_ stream: Stream) { self.stream = stream }

  /// Sends `text` as it stands.
  package func send(_ text: String) async throws { try await stream.write(text) }

  /// Sends `bytes` as they stand.
  package func send(_ bytes: [UInt8]) async throws { try await stream.write(bytes) }

  /// Sends a request without a body, and reads the response to it.
  package func request(_ method: String, _ target: String, _ fields: String...) async throws -> TestResponse {
    let head = ["\(method) \(target) HTTP/1.1", "Host: localhost"] + fields
    try await send(head.joined(separator: "\r\n") + "\r\n\r\n")
    return try await readResponse(to: method)
  }

  /// `GET target`, and the response to it.
  package func get(_ target: String, _ fields: String...) async throws -> TestResponse {
    let head = ["GET \(target) HTTP/1.1", "Host: localhost"] + fields
    try await send(head.joined(separator: "\r\n") + "\r\n\r\n")
    return try await readResponse()
  }

  /// Reads one whole response. One to `HEAD` has no body; an interim one (1xx) is a response like any other here.
  package func readResponse(to method: String = "GET") async throws -> TestResponse {
    var response = try await readHead()
    switch response.framing(to: method) {
    case .none: break
    case .length(let length): response.body = try await readExactly(length)
    case .chunked:
      while let chunk = try await readChunk() { response.body += chunk }
      response.trailers = try await readFields()
    case .untilEnd: response.body = try await readToEnd()
    }
    return response
  }

  /// Reads a response's status line and fields, and leaves its body on the stream.
  package func readHead() async throws -> TestResponse {
    let line = try await readLine()
    let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "HTTP/1.1" || parts[0] == "HTTP/1.0", let status = Int(parts[1]),
      (100...599).contains(status)
    else { throw TestClientError.malformed("status line: \(line)") }
    return TestResponse(
      version: String(parts[0]), status: status, reason: String(parts[2]), fields: try await readFields())
  }

  /// Reads one chunk of a chunked body; `nil` for the last, after which come the trailers.
  package func readChunk() async throws -> [UInt8]? {
    let line = try await readLine()
    guard let size = Int(line.prefix { $0 != ";" }, radix: 16), size >= 0 else {
      throw TestClientError.malformed("chunk size: \(line)")
    }
    if size == 0 { return nil }
    let bytes = try await readExactly(size)
    guard try await readLine().isEmpty else { throw TestClientError.malformed("chunk without an end") }
    return bytes
  }

  /// Reads fields up to the blank line: those of a head, or trailers.
  package func readFields() async throws -> [(name: String, value: String)] {
    var fields: [(name: String, value: String)] = []
    while true {
      let line = try await readLine()
      if line.isEmpty { return fields }
      guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
        throw TestClientError.malformed("field: \(line)")
      }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      fields.append((String(line[..<colon]), String(value)))
    }
  }

  /// Everything up to the end of what the peer sends.
  package func readToEnd() async throws -> [UInt8] {
    var all = Array(buffer)
    buffer = []
    all += try await stream.readToEnd()
    return all
  }

  /// What has been read of the stream and not been asked for.
  func takeBuffer() -> ArraySlice<UInt8> {
    defer { buffer = [] }
    return buffer
  }

  private func readLine() async throws -> String {
    var line: [UInt8] = []
    while true {
      let byte = try await readByte()
      if byte == 0x0A {
        guard line.last == 0x0D else { throw TestClientError.malformed("line without CR") }
        return String(decoding: line.dropLast(), as: UTF8.self)
      }
      line.append(byte)
    }
  }

  /// Reads `count` bytes of a body.
  package func readExactly(_ count: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      try await fill()
      let some = buffer.prefix(count - bytes.count)
      buffer = buffer.dropFirst(some.count)
      bytes += some
    }
    return bytes
  }

  private func readByte() async throws -> UInt8 {
    try await fill()
    return buffer.removeFirst()
  }

  private func fill() async throws {
    if !buffer.isEmpty { return }
    buffer = try await stream.read()[...]
    if buffer.isEmpty { throw TestClientError.endOfStream }
  }
}

/// What ``HTTPTestClient`` could not make sense of.
package enum TestClientError: Error, Equatable {
  /// The peer finished where more had to come.
  case endOfStream
  /// The peer sent what no HTTP/1 server may send.
  case malformed(String)
}

/// A response as it came over the wire.
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

  enum Framing { case none, length(Int), chunked, untilEnd }

  /// How long the body is: RFC 9112 section 6.3.
  func framing(to method: String) -> Framing {
    if method == "HEAD" || status < 200 || status == 204 || status == 304 { return .none }
    if let coding = self["transfer-encoding"] { return coding.lowercased() == "chunked" ? .chunked : .untilEnd }
    if let length = self["content-length"].flatMap(Int.init) { return .length(length) }
    return .untilEnd
  }
}
