/// How a server speaks HTTP/2: what it tells its clients in SETTINGS (RFC 9113 section 6.5.2), and how far it goes.
public struct HTTP2Options: Sendable {
  /// How many streams a client may have open at once. A stream counts until its response has been handed to the network
  /// and its handler has ended, even if the client has given it up before; those above the limit are refused
  /// (`REFUSED_STREAM`), which a client may take for an invitation to try again. Only streams that the client has given up
  /// after it was sent some of a response do not count, up to as many again, while their handlers come to an end.
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

  /// How many frames a client may send that move no content: PING, SETTINGS, WINDOW_UPDATE, PRIORITY, PRIORITY_UPDATE,
  /// CONTINUATION, empty DATA, and frames that are not known. Streams count too that are refused for no fault of the
  /// client's: before it has acknowledged our SETTINGS, which say how many it may open, while handlers of streams that it
  /// has given up have not ended, and when the server is short of memory. A client that exceeds it loses its connection
  /// (GOAWAY, `ENHANCE_YOUR_CALM`).
  ///
  /// Work pays for such frames. Each DATA frame of either side restores two of them, unless it has less than 256 bytes by
  /// the client's doing: enough for clients that measure the connection by PINGs while content comes, as those of gRPC do.
  /// Each response restores four. The WINDOW_UPDATEs that content makes room for are free: two for each frame that is
  /// sent, and two more for each 2 KiB in it.
  ///
  /// The default lets a client begin with hundreds of requests at once, before it has read our SETTINGS, and lets one that
  /// is idle ping for ever. An attacker's thousand frames take less than a millisecond.
  public var overheadAllowance = Allowance(atOnce: 1000, perSecond: 16)
  /// How many of a client's streams may come to nothing: reset by the client within a second of their beginning and before
  /// it was sent any of a response, reset by the server for a fault of the client's, above ``maximumConcurrentStreams``
  /// though the client knows that limit, or answered by the engine because the request is wrong (400, 413, 417, 431, 501).
  /// A client that exceeds it loses its connection (GOAWAY, `ENHANCE_YOUR_CALM`).
  ///
  /// Each response that the client is sent restores one. One that the client has begun to get and cancels is such a
  /// response: that is how streams of events end. A client that waits for a second and gives up has had no more done than
  /// others: its stream was one of ``maximumConcurrentStreams`` for as long.
  ///
  /// The default is twice what may be open at once, so that a client which leaves a page may cancel all it has asked for,
  /// and that on the next page as well. A proxy may cancel more, since it has many clients behind one connection: one that
  /// is trusted may be allowed `Int.max`.
  public var failureAllowance = Allowance(atOnce: 200, perSecond: 8)

  /// The usual options.
  public init() {}
}

extension HTTP2Options {
  /// How often a client may do what is of no use to either side.
  public struct Allowance: Hashable, Sendable {
    /// How often at once; 0 for never.
    public var atOnce: Int {
      didSet { atOnce = max(0, atOnce) }
    }
    /// How many of these a second restores, up to ``atOnce``.
    public var perSecond: Int {
      didSet { perSecond = max(0, perSecond) }
    }

    /// An allowance of so many; those below 0 are taken for 0.
    public init(atOnce: Int, perSecond: Int) {
      self.atOnce = max(0, atOnce)
      self.perSecond = max(0, perSecond)
    }
  }
}
