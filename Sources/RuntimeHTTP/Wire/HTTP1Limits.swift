/// How much of a request the decoder takes.
struct HTTP1Limits: Sendable {
  var requestLine: Int
  var head: Int
  var fields: Int
  var body: Int

  init(_ options: ServerOptions) {
    requestLine = options.maximumRequestLineLength
    head = options.maximumHeadLength
    fields = options.maximumFieldCount
    body = options.maximumBodyLength ?? .max
  }

  /// Empty lines before a request line, which are skipped (RFC 9112 section 2.2).
  static let emptyLines = 8
  /// The longest line with a chunk's size and its extensions, which nobody uses (RFC 9112 section 7.1.1).
  static let chunkLine = 1024
}

/// What is said about requests that are wrong.
extension HTTPError {
  static func malformed(_ message: StaticString) -> HTTPError { HTTPError(.badRequest, "\(message)") }
}
