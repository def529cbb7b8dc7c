/// What a TCP connection is set to. Streams of other kinds take no notice of it.
public struct TCPOptions: Hashable, Sendable {
  /// Sends what is written at once (`TCP_NODELAY`).
  public var noDelay = true
  /// Has the system ask a silent peer whether it is still there (`SO_KEEPALIVE`); `nil` has it never ask. A connection
  /// whose peer does not answer fails with `ETIMEDOUT`.
  public var keepAlive: KeepAlive?
  /// How many bytes the system takes before it can send them (`TCP_NOTSENT_LOWAT`), so that a peer that reads nothing
  /// costs little memory; `nil` for as much as the system's buffers hold, 4 MiB as a rule. What is on its way to the peer
  /// does not count.
  public var unsentLimit: Int? = 256 * 1024
  /// Closing discards what the peer has not received yet, and resets the connection (`SO_LINGER` of no time). The peer's
  /// reads and writes fail with `ECONNRESET`, and no `TIME_WAIT` remains.
  ///
  /// There is no longer linger: with one, closing would block a worker until the peer has received everything. To wait
  /// for that, call ``ByteStream/shutdownWrite()`` and read to the end.
  public var resetsOnClose = false

  /// The usual options.
  public init() {}
}

extension TCPOptions {
  /// When the system asks a silent peer whether it is still there. The system counts in seconds; parts of one count as one.
  public struct KeepAlive: Hashable, Sendable {
    /// How long the peer may be silent before it is asked for the first time (`TCP_KEEPIDLE`).
    public var idle: Duration
    /// The time between two questions (`TCP_KEEPINTVL`).
    public var interval: Duration
    /// How many questions in a row may go without an answer (`TCP_KEEPCNT`).
    public var probes: Int

    /// Asks after `idle`, and then every `interval`, up to `probes` times.
    public init(idle: Duration, interval: Duration = .seconds(15), probes: Int = 4) {
      self.idle = idle
      self.interval = interval
      self.probes = probes
    }
  }
}
