/// The reason why the content of a request could not be read, or that of a response could not be written.
public struct BodyError: Error, Hashable, Sendable {
  private enum Reason: String {
    case disconnected = "the peer disconnected before the end of the content"
    case ended = "the exchange that the content belongs to has ended"
    case busy = "another task is already using the content"
    case wrongLength = "the number of bytes written differs from the declared length"
  }

  private let reason: Reason

  private init(_ reason: Reason) { self.reason = reason }

  /// The peer disconnected before the end of the content.
  public static var disconnected: BodyError { BodyError(.disconnected) }
  /// The exchange has ended: the body was used after its response had been sent.
  public static var ended: BodyError { BodyError(.ended) }
  /// Another task is already using the body.
  public static var busy: BodyError { BodyError(.busy) }
  /// The number of bytes written differs from the declared length.
  public static var wrongLength: BodyError { BodyError(.wrongLength) }
}

extension BodyError: CustomStringConvertible {
  /// The reason in words.
  public var description: String { reason.rawValue }
}
