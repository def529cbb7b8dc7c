/// Options for binding a datagram socket.
public struct DatagramOptions: Hashable, Sendable {
  /// Whether to replace a Unix-domain socket file that a terminated program has left at the path. Other files, and
  /// sockets that a process has open, are never replaced. A UDP port needs no such option: it is free as soon as its
  /// socket is closed.
  public var reuseAddress = true
  /// Whether several sockets may share one UDP port. The kernel distributes datagrams among them by sender
  /// (`SO_REUSEPORT`).
  public var reusePort = false
  /// Whether the socket may send to broadcast addresses (`SO_BROADCAST`).
  public var broadcast = false
  /// The size in bytes of the kernel's receive buffer (`SO_RCVBUF`); `nil` for the kernel's default. The kernel counts
  /// its own overhead too, and bounds the value.
  public var receiveBufferSize: Int?
  /// The size in bytes of the kernel's send buffer (`SO_SNDBUF`); `nil` for the kernel's default.
  public var sendBufferSize: Int?

  /// Creates the default options.
  public init() {}
}
