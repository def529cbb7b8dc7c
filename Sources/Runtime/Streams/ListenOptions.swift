/// Options for listening.
public struct ListenOptions: Sendable {
  /// The maximum number of connections that wait in the kernel to be accepted. The kernel may impose a lower limit.
  public var backlog: Int32 = 4096
  /// Whether to bind to a port whose earlier connections have not all timed out (`SO_REUSEADDR`), or to replace a
  /// Unix-domain socket file that a terminated server has left at the path. Other files, and sockets that a process
  /// listens on, are never replaced. If several processes listen on such a path at the same time, one succeeds and the
  /// others fail with `EADDRINUSE`.
  public var reuseAddress = true
  /// Whether several listeners may share one port. The kernel distributes connections among them (`SO_REUSEPORT`).
  ///
  /// When one of them is closed, Linux resets connections whose handshake is in progress or has just completed, instead
  /// of moving them to the others, unless `net.ipv4.tcp_migrate_req` is 1.
  public var reusePort = false
  /// The options of accepted connections.
  public var tcp = TCPOptions()
  /// Called with the system's error when a connection cannot be accepted for lack of descriptors or memory (`EMFILE`,
  /// `ENFILE`, `ENOBUFS`, `ENOMEM`).
  ///
  /// The connection stays in the backlog and ``StreamListener/accept()`` retries, with one call per attempt, about
  /// fifty a second. It is called in the accepting task and must not block.
  public var onShortage: (@Sendable (IOError) -> Void)?

  /// Creates the default options.
  public init() {}
}
