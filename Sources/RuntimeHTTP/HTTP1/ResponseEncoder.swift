/// Encodes a response (RFC 9112). It does no input or output.
///
/// Call ``appendHead(_:_:contentLength:for:persisting:serverName:second:into:)``, then append content, then call
/// ``finish(into:)``. The encoder alone determines the framing, whatever the head's own fields say, so that recipients
/// cannot interpret it differently.
struct ResponseEncoder: Sendable {
  /// The properties of a request that affect the framing of its response.
  struct RequestTraits: Sendable {
    var method: Method
    var version: HTTPVersion
    /// Whether another protocol follows the head.
    var endsHTTP = false
  }

  private var message = MessageEncoder()
  private var date = DateCache()

  /// Whether the client has been told that it may use the connection for another request.
  private(set) var persists = true

  /// Whether any content is sent.
  @inline(__always)
  var sendsContent: Bool { message.sendsContent }

  /// The fields to send after the content. They are sent only with chunks.
  var trailers: HeaderFields {
    get { message.trailers }
    set { message.trailers = newValue }
  }

  /// Appends the head of a response.
  ///
  /// - Parameters:
  ///   - contentLength: The length of the content, if known.
  ///   - persisting: Whether the connection can persist.
  ///   - second: The time, in seconds since the beginning of 1970.
  mutating func appendHead(
    _ status: Status, _ fields: HeaderFields, contentLength: Int?, for request: RequestTraits, persisting: Bool,
    serverName: [UInt8], second: Int, into output: inout ByteBuffer
  ) {
    persists = persisting
    if !message.trailers.isEmpty { message.trailers = HeaderFields() }
    date.update(to: second)
    output.reserve(256 + fields.bytes.count + serverName.count)
    appendStatusLine(status, to: &output)
    let declaredLength = append(fields, serverName: serverName, to: &output)
    frame(
      status, length: contentLength, declared: declaredLength, for: request, into: &output)
    if !persists {
      output.append("Connection: close\r\n")
    } else if request.version == .http1_0 {
      output.append("Connection: keep-alive\r\n")
    }
    output.append("\r\n")
  }

  /// Appends an informational response with exactly the given fields.
  func appendInformational(_ status: Status, _ fields: HeaderFields, into output: inout ByteBuffer) {
    appendStatusLine(status, to: &output)
    var position = 0
    while let entry = fields.nextEntry(&position) { output.append(entry, of: fields) }
    output.append("\r\n")
  }

  @inline(__always)
  private func appendStatusLine(_ status: Status, to output: inout ByteBuffer) {
    output.append("HTTP/1.1 ")
    output.append(status)
    output.append("\r\n")
  }

  /// Appends the fields that the engine does not control, and those that every response has.
  ///
  /// - Returns: The length that the fields declare for the content, which is used if nothing better is known.
  @inline(__always)
  private mutating func append(
    _ fields: HeaderFields, serverName: [UInt8], to output: inout ByteBuffer
  ) -> Int? {
    var hasDate = false
    var hasServer = false
    var declaredLength: Int?
    let bytes = fields.bytes.span
    var position = 0
    while let entry = fields.nextEntry(&position) {
      switch entry.name {
      case .connection:
        if bytes.extracting(entry.valueRange).listContains("close") { persists = false }
        continue
      case .contentLength:
        declaredLength = bytes.extracting(entry.valueRange).decimalValue
        continue
      case .transferEncoding, .keepAlive: continue
      case .date where hasDate: continue
      case .date: hasDate = true
      case .server: hasServer = true
      // RFC 9110 section 7.8: Upgrade applies to this connection only, and Connection has to list it.
      case .upgrade: output.append("Connection: Upgrade\r\n")
      default: break
      }
      output.append(entry, of: fields)
    }
    if !hasDate {
      output.append(date.line.span)
    }
    if !hasServer, !serverName.isEmpty {
      output.append("Server: ")
      output.append(serverName.span)
      output.append("\r\n")
    }
    return declaredLength
  }

  /// Decides how the content ends (RFC 9112 section 6.3), and appends the corresponding field.
  @inline(__always)
  private mutating func frame(
    _ status: Status, length: Int?, declared: Int?, for request: RequestTraits, into output: inout ByteBuffer
  ) {
    message.content = .none
    if request.endsHTTP {
      persists = true
      return
    }
    let framing = ResponseFraming(status, length: length, declared: declared, to: request.method)
    if framing.endsConnection { persists = false }
    if let length = framing.length { output.append(contentLength: length) }
    if let length = framing.length, framing.hasContent {
      message.content = .fixed(remaining: length)
    } else if framing.hasContent, request.version >= .http1_1 {
      output.append("Transfer-Encoding: chunked\r\n")
      message.content = .chunked
    } else if framing.hasContent {
      persists = false
      message.content = .untilClose
    }
  }

  /// Appends the framing before `count` bytes of content, which the caller sends next.
  ///
  /// - Throws: ``BodyError/wrongLength`` if this is more content than was declared.
  @inline(__always)
  mutating func beginContent(_ count: Int, into output: inout ByteBuffer) throws(BodyError) {
    try message.beginContent(count, into: &output)
  }

  /// Appends the framing after content that ``beginContent(_:into:)`` announced.
  @inline(__always)
  mutating func endContent(into output: inout ByteBuffer) { message.endContent(into: &output) }

  /// Appends the framing after all content.
  ///
  /// - Throws: ``BodyError/wrongLength`` if there was less content than declared. The connection then cannot continue.
  @inline(__always)
  mutating func finish(into output: inout ByteBuffer) throws(BodyError) { try message.finish(into: &output) }
}
