import Glibc

/// How a server treats its connections: its limits, its timeouts, and what it says.
public struct ServerOptions: Sendable {
  /// The longest request line in bytes; a longer one gets a 414.
  public var maximumRequestLineLength = 8 * 1024
  /// The longest head in bytes, and the longest trailers; a longer one gets a 431.
  public var maximumHeadLength = 32 * 1024
  /// The most fields in a head, and in trailers; more get a 431.
  public var maximumFieldCount = 100
  /// The longest content of a request in bytes; longer content gets a 413. `nil` is no limit: content is streamed, so
  /// that a handler which takes in all of it sets its own with ``RequestBody/collect(upTo:)``.
  public var maximumBodyLength: Int?
  /// The most content in bytes that is read and thrown away to keep a connection whose handler left content unread.
  public var maximumDrainedLength = 256 * 1024

  /// The most connections at once, at least one; those beyond wait in the listener's backlog until another has ended.
  /// `nil` is no limit but that of descriptors. Over HTTP/2 each may have
  /// ``HTTP2Options/maximumConcurrentStreams`` requests in flight.
  public var maximumConnections: Int?

  /// How long a head may take from its first byte (then: a 408), and how long a new connection may send nothing.
  public var headTimeout: Duration = .seconds(10)
  /// How long the peer may send nothing while its content is waited for (then: a 408), or take nothing, or less than
  /// 16 KiB, while more of a response is there for it (then: the connection is closed).
  public var stallTimeout: Duration = .seconds(30)
  /// How long a connection may lie between two requests before it is closed.
  public var idleTimeout: Duration = .seconds(60)
  /// How long requests in flight may go on once the server shuts down.
  public var shutdownGrace: Duration = .seconds(10)

  /// How HTTP/2 is spoken. The limits and timeouts above hold for it as well.
  public var http2 = HTTP2Options()

  /// The value of the `Server` field of every response; `nil` sends none.
  public var serverName: String?

  /// Where a line goes about something that went wrong; standard error unless set. Called on any thread.
  public var log: @Sendable (String) -> Void = { line in
    // One call for the whole line, so that the lines of several threads do not mix; nobody is left to tell of a failure.
    var text = "\(line)\n"
    text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  /// The usual options.
  public init() {}
}
