/// The limits on the size of a message, for all versions of HTTP.
package struct MessageLimits: Sendable {
  /// The longest first line in bytes; in HTTP/2, the longest path.
  package var startLine: Int
  /// The longest head in bytes, and the longest trailers.
  package var head: Int
  /// The most fields in a head, and in trailers.
  package var fields: Int
  /// The longest content in bytes.
  package var body: Int
  /// The most content in bytes that is read and discarded when it is no longer needed.
  package var drained: Int

  package init(startLine: Int, head: Int, fields: Int, body: Int = .max, drained: Int = 1024 * 1024) {
    (self.startLine, self.head, self.fields, self.body) = (startLine, head, fields, body)
    self.drained = drained
  }

  /// The longest line in bytes with a chunk's size and extensions (RFC 9112 section 7.1.1). Common clients send no
  /// extensions.
  static var chunkLine: Int { 1024 }
}
