/// Options of a TCP connection. Other streams ignore them.
public struct TCPOptions: Hashable, Sendable {
  /// Whether to send writes at once (`TCP_NODELAY`).
  public var noDelay = true
  /// When the system probes a silent peer (`SO_KEEPALIVE`); `nil` for never. A connection whose peer does not answer
  /// fails with `ETIMEDOUT`.
  public var keepAlive: KeepAlive?
  /// The maximum number of bytes that the system accepts before it can send them (`TCP_NOTSENT_LOWAT`); `nil` for the
  /// size of the system's buffers, usually 4 MiB. The limit saves memory if a peer reads nothing. Bytes in flight do
  /// not count.
  public var unsentLimit: Int? = 256 * 1024
  /// Whether closing discards what the peer has not received and resets the connection (`SO_LINGER` with zero time).
  /// The peer's reads and writes then fail with `ECONNRESET`, and no `TIME_WAIT` remains.
  ///
  /// Other linger times are not offered, because closing would block a worker until the peer has received everything.
  /// To wait for that, call ``ByteStream/shutdownWrite()`` and read to the end.
  public var resetsOnClose = false

  /// Creates the default options.
  public init() {}
}

extension TCPOptions {
  /// When the system probes a silent peer. The system counts in seconds; fractions are rounded up.
  public struct KeepAlive: Hashable, Sendable {
    /// How long the peer may be silent before the first probe (`TCP_KEEPIDLE`).
    public var idle: Duration
    /// The time between probes (`TCP_KEEPINTVL`).
    public var interval: Duration
    /// The number of unanswered probes in a row after which the connection fails (`TCP_KEEPCNT`).
    public var probes: Int

    /// Creates settings: the first probe after `idle`, then one every `interval`, up to `probes`.
    public init(idle: Duration, interval: Duration = .seconds(15), probes: Int = 4) {
      self.idle = idle
      self.interval = interval
      self.probes = probes
    }
  }
}
