/// A received datagram.
public struct Datagram: Hashable, Sendable {
  /// The payload.
  public var bytes: [UInt8]
  /// The sender's address; `nil` for a Unix-domain socket without a name.
  public var sender: SocketAddress?
  /// Whether the datagram was longer than the buffer, so that its end is lost.
  public var isTruncated: Bool

  /// Creates a datagram with these values.
  public init(_ bytes: [UInt8], from sender: SocketAddress?, isTruncated: Bool = false) {
    self.bytes = bytes
    self.sender = sender
    self.isTruncated = isTruncated
  }
}
