/// Turns a response into the bytes that are sent (RFC 9112), without any input or output: events in, bytes out.
///
/// A response is ``begin(_:_:contentLength:for:persisting:serverName:second:into:)``, then content, then ``finish(into:)``.
/// Its framing is the encoder's alone: whatever the head's own fields say, a recipient finds one way to read it.
struct ResponseEncoder: Sendable {
  /// What of a request decides how its response is framed.
  struct RequestTraits: Sendable {
    var method: Method
    var version: HTTPVersion
    /// Whether another protocol follows the head.
    var endsHTTP = false
  }

  private var message = MessageEncoder()
  private var date = DateCache()

  /// Whether the client may use the connection for another request, as it has been told.
  private(set) var persists = true

  /// Whether content is sent at all, or only what would describe it.
  @inline(__always)
  var sendsContent: Bool { message.sendsContent }

  /// Fields for after the content; sent only with chunks.
  var trailers: HeaderFields {
    get { message.trailers }
    set { message.trailers = newValue }
  }

  /// Appends a status line and fields to `output`.
  ///
  /// - Parameters:
  ///   - contentLength: how much content there will be, if that is known.
  ///   - persisting: whether the connection could be used again.
  ///   - second: the time, in seconds since the beginning of 1970.
  mutating func begin(
    _ status: Status, _ fields: HeaderFields, contentLength: Int?, for request: RequestTraits, persisting: Bool,
    serverName: [UInt8], second: Int, into output: inout ByteBuffer
  ) {
    persists = persisting
    if !message.trailers.isEmpty { message.trailers = HeaderFields() }
    date.update(to: second)
    output.reserve(256 + fields.bytes.count + 4 * fields.count + serverName.count)
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

  /// Appends an informational response, which has the fields of `fields` and no others.
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

  /// Appends the fields that are not the engine's, and those every response has.
  ///
  /// - Returns: the length that the fields declare for the content, for where nothing better is known.
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
      // RFC 9110 section 7.8: the field is for this connection alone, and has to say so.
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

  /// Decides how the content ends (RFC 9112 section 6.3) and appends the field that says so.
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

  /// Appends what comes before `count` bytes of content, which the caller sends next.
  ///
  /// - Throws: ``BodyError/wrongLength`` if there is more content than was declared.
  @inline(__always)
  mutating func beginContent(_ count: Int, into output: inout ByteBuffer) throws(BodyError) {
    try message.beginContent(count, into: &output)
  }

  /// Appends what comes after content that ``beginContent(_:into:)`` announced.
  @inline(__always)
  mutating func endContent(into output: inout ByteBuffer) { message.endContent(into: &output) }

  /// Appends what comes after all content.
  ///
  /// - Throws: ``BodyError/wrongLength`` if there was less content than was declared: the connection cannot go on.
  @inline(__always)
  mutating func finish(into output: inout ByteBuffer) throws(BodyError) { try message.finish(into: &output) }
}
