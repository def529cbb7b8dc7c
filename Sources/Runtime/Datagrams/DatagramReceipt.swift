/// What ``DatagramSocket/receive(into:)`` says of the datagram that it has put into a buffer.
public struct DatagramReceipt: Hashable, Sendable {
  /// How many bytes of it are in the buffer.
  public var byteCount: Int
  /// Where it was sent from; `nil` for a Unix-domain socket that has no name.
  public var sender: SocketAddress?
  /// Whether it was longer than there was room for, so that its end is lost.
  public var isTruncated: Bool

  /// A datagram of which `byteCount` bytes have been received.
  public init(byteCount: Int, sender: SocketAddress?, isTruncated: Bool = false) {
    self.byteCount = byteCount
    self.sender = sender
    self.isTruncated = isTruncated
  }
}
