/// How a server speaks HTTP/2: what it tells its clients in SETTINGS (RFC 9113 section 6.5.2), and how far it goes.
public struct HTTP2Options: Sendable {
  /// How many streams a client may have open at once. A stream counts until its response has been handed to the network
  /// and its handler has ended, even if the client has given it up before; those above the limit are refused
  /// (`REFUSED_STREAM`), which a client may take for an invitation to try again.
  public var maximumConcurrentStreams = 100
  /// How much memory the table of header compression may take, in bytes, for each direction (RFC 7541 section 4).
  public var headerTableSize = 4096
  /// How many bytes of a stream a client may send ahead of the handler that reads them, to begin with. No less than
  /// 65,535, which is what a client may send before it has heard of any other number.
  public var initialStreamWindow = 65_535 {
    didSet { initialStreamWindow = min(max(initialStreamWindow, FlowControl.initialWindow), FlowControl.largestWindow) }
  }
  /// To how many bytes that grows, for a stream whose handler keeps up, where bandwidth and round trip would have it.
  public var maximumStreamWindow = 4 * 1024 * 1024
  /// How many bytes of all streams together a client may send before it hears that they have come.
  ///
  /// The default is enough for 40 Mbit/s over a round trip of 100 ms, from the first byte on. Where bandwidth and round
  /// trip would have it, the window grows up to ``maximumStreamWindow``.
  public var initialConnectionWindow = 512 * 1024
  /// How many bytes may lie unread in all streams of a connection together, unless its window has grown beyond that. What
  /// a handler has taken counts until it asks for more. The window of the connection is not given back for what would
  /// exceed this, so that this is the one bound by which handlers that do not read can hold up others.
  ///
  /// The default is sixteen streams' worth of unread content: a client with more uploads than that whose handlers all wait
  /// for something else is rare, and one that wants to fill the server's memory is not.
  public var maximumUnreadLength = 1024 * 1024
  /// After how long without a byte from the client it is asked for a sign of life (a PING), while there are requests in
  /// flight. A client that gives none until the same time has gone by again is taken for dead.
  public var keepAliveInterval: Duration = .seconds(30)

  /// The usual options.
  public init() {}
}
