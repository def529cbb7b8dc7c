/// A datagram that has been received.
public struct Datagram: Hashable, Sendable {
  /// What it says.
  public var bytes: [UInt8]
  /// Where it was sent from; `nil` for a Unix-domain socket that has no name.
  public var sender: SocketAddress?
  /// Whether it was longer than there was room for, so that its end is lost.
  public var isTruncated: Bool

  /// A datagram of these bytes.
  public init(_ bytes: [UInt8], from sender: SocketAddress?, isTruncated: Bool = false) {
    self.bytes = bytes
    self.sender = sender
    self.isTruncated = isTruncated
  }
}
