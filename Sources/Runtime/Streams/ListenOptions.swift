/// How to listen.
public struct ListenOptions: Sendable {
  /// How many connections the kernel keeps until the program accepts them; the kernel may have a lower bound of its own.
  public var backlog: Int32 = 4096
  /// Binds to a port whose earlier connections have not all timed out (`SO_REUSEADDR`), or to a path on which a server
  /// that is gone has left its socket. No other file and no socket that a process listens on is ever replaced. Of several
  /// that listen on such a path at once one succeeds, and the others are refused with `EADDRINUSE`.
  public var reuseAddress = true
  /// Lets several listeners share one port, the kernel dealing connections out among them (`SO_REUSEPORT`).
  ///
  /// Of a listener that is closed Linux resets connections whose handshake has just ended or is under way, and does not give
  /// them to the others, unless `net.ipv4.tcp_migrate_req` is 1.
  public var reusePort = false
  /// What accepted connections are set to.
  public var tcp = TCPOptions()
  /// Called with the system's error when a connection cannot be accepted because there is no descriptor or no memory for
  /// it (`EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`).
  ///
  /// The connection stays in the backlog and ``StreamListener/accept()`` tries again, so that there is a call for each
  /// attempt, some fifty a second. It is called in the task that accepts, and must not block.
  public var onShortage: (@Sendable (IOError) -> Void)?

  /// The usual options.
  public init() {}
}
