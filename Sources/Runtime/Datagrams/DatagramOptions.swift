/// How to bind a socket for datagrams.
public struct DatagramOptions: Hashable, Sendable {
  /// Binds to a path on which a program that is gone has left its socket. No other file and no socket that a process has
  /// open is ever replaced. A UDP port needs no such thing: it is free as soon as its socket is closed.
  public var reuseAddress = true
  /// Lets several sockets share one UDP port, the kernel dealing datagrams out among them by sender (`SO_REUSEPORT`).
  public var reusePort = false
  /// Lets datagrams go to broadcast addresses (`SO_BROADCAST`).
  public var broadcast = false
  /// How many bytes the kernel keeps that have come and have not been received (`SO_RCVBUF`); `nil` for its default. It
  /// counts more than the datagrams' bytes, and has bounds of its own.
  public var receiveBufferSize: Int?
  /// How many bytes the kernel keeps that have been sent and have not gone (`SO_SNDBUF`); `nil` for its default.
  public var sendBufferSize: Int?

  /// The usual options.
  public init() {}
}
