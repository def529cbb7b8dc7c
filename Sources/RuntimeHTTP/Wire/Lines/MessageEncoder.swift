/// Encodes a message (RFC 9112 sections 6 and 7). It does no input or output: the sender appends a head, chooses how
/// the content ends, and frames each piece of it.
package struct MessageEncoder: Sendable {
  enum Content {
    /// No content is sent, whatever is written (RFC 9110 section 6.4.1).
    case none
    case fixed(remaining: Int)
    case chunked
    /// The end of the connection ends the content.
    case untilClose
  }

  var content = Content.none
  /// The fields to send after the content. They are sent only with chunks.
  package var trailers = HeaderFields()

  package init() {}

  /// Appends the head of a request. Framing fields in `fields` are replaced by the encoder's own.
  ///
  /// - Parameter contentLength: The length of the content; `nil` if it is unknown and is to be sent in chunks.
  package mutating func appendHead(
    _ method: Method, _ target: String, _ fields: HeaderFields, contentLength: Int? = 0, into output: inout ByteBuffer
  ) {
    if !trailers.isEmpty { trailers = HeaderFields() }
    output.append(Array("\(method) \(target) HTTP/1.1\r\n".utf8).span)
    var position = 0
    while let entry = fields.nextEntry(&position) {
      if entry.name != .contentLength, entry.name != .transferEncoding { output.append(entry, of: fields) }
    }
    switch contentLength {
    case nil:
      output.append("Transfer-Encoding: chunked\r\n")
      content = .chunked
    case 0?: content = .none
    case let length?:
      output.append(contentLength: length)
      content = .fixed(remaining: length)
    }
    output.append("\r\n")
  }

  /// Whether any content is sent.
  @inline(__always)
  var sendsContent: Bool {
    if case .none = content { false } else { true }
  }

  /// Appends the framing before `count` bytes of content, which the caller sends next.
  ///
  /// - Throws: ``BodyError/wrongLength`` if this is more content than was declared.
  package mutating func beginContent(_ count: Int, into output: inout ByteBuffer) throws(BodyError) {
    switch content {
    case .none, .untilClose: return
    case .fixed(let remaining):
      guard count <= remaining else { throw .wrongLength }
      content = .fixed(remaining: remaining - count)
    case .chunked:
      output.append(hexadecimal: count)
      output.append("\r\n")
    }
  }

  /// Appends the framing after content that ``beginContent(_:into:)`` announced.
  package mutating func endContent(into output: inout ByteBuffer) {
    if case .chunked = content { output.append("\r\n") }
  }

  /// Appends the framing after all content.
  ///
  /// - Throws: ``BodyError/wrongLength`` if there was less content than declared. The connection then cannot continue.
  package mutating func finish(into output: inout ByteBuffer) throws(BodyError) {
    switch content {
    case .none, .untilClose, .fixed(0): return
    case .fixed: throw .wrongLength
    case .chunked:
      output.append("0\r\n")
      var position = 0
      while let entry = trailers.nextEntry(&position) {
        if !trailers.isForbiddenInTrailers(entry) { output.append(entry, of: trailers) }
      }
      output.append("\r\n")
    }
  }
}
