/// Why the content of a request could not be read, or that of a response not written.
public enum BodyError: Error, Hashable, Sendable {
  /// The peer has gone before the end.
  case disconnected
  /// The exchange is over: the body was used after its response had been sent.
  case ended
  /// Another task is at it already.
  case busy
  /// More was written, or less, than the length that was declared.
  case wrongLength
}
