/// A description of the datagram that ``DatagramSocket/receive(into:)`` has appended to a buffer.
public struct DatagramReceipt: Hashable, Sendable {
  /// The number of bytes appended.
  public var byteCount: Int
  /// The sender's address; `nil` for a Unix-domain socket without a name.
  public var sender: SocketAddress?
  /// Whether the datagram was longer than the buffer, so that its end is lost.
  public var isTruncated: Bool

  /// Creates a receipt for a datagram of which `byteCount` bytes have been received.
  public init(byteCount: Int, sender: SocketAddress?, isTruncated: Bool = false) {
    self.byteCount = byteCount
    self.sender = sender
    self.isTruncated = isTruncated
  }
}
