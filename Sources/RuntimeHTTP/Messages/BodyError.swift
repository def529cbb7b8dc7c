/// Why the content of a request could not be read, or that of a response not written.
public struct BodyError: Error, Hashable, Sendable {
  private enum Reason: String {
    case disconnected = "the peer has gone before the end of the content"
    case ended = "the exchange that the content belongs to is over"
    case busy = "another task is at the content already"
    case wrongLength = "more was written than the declared length, or less"
  }

  private let reason: Reason

  private init(_ reason: Reason) { self.reason = reason }

  /// The peer has gone before the end.
  public static var disconnected: BodyError { BodyError(.disconnected) }
  /// The exchange is over: the body was used after its response had been sent.
  public static var ended: BodyError { BodyError(.ended) }
  /// Another task is at it already.
  public static var busy: BodyError { BodyError(.busy) }
  /// More was written, or less, than the length that was declared.
  public static var wrongLength: BodyError { BodyError(.wrongLength) }
}

extension BodyError: CustomStringConvertible {
  /// What has happened.
  public var description: String { reason.rawValue }
}
