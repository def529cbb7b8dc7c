/// Settings of a server for HTTP/2: those that it sends to clients (RFC 9113 section 6.5.2), and limits.
public struct HTTP2Options: Sendable {
  /// The maximum number of concurrent streams of a connection. A stream counts until its response has been handed to
  /// the network and its handler has ended, even if the client cancels it earlier. Streams above the limit are refused
  /// (`REFUSED_STREAM`), after which a client may try again. Streams that the client cancels after it was sent part of
  /// the response are an exception: up to the same number of these do not count while their handlers are ending.
  public var maximumConcurrentStreams = 100
  /// The size of the header compression table in bytes, for each direction (RFC 7541 section 4).
  public var headerTableSize = 4096
  /// The initial receive window of a stream in bytes: how much a client may send ahead of the handler that reads it. At
  /// least 65,535, which a client may send before it has received any settings.
  public var initialStreamWindow = 65_535 {
    didSet { initialStreamWindow = min(max(initialStreamWindow, FlowControl.initialWindow), FlowControl.largestWindow) }
  }
  /// The maximum receive window of a stream in bytes. A stream's window grows up to this if its handler keeps up and
  /// bandwidth and round trip require it.
  public var maximumStreamWindow = 4 * 1024 * 1024
  /// The initial receive window of the connection in bytes: how much a client may send on all streams together before
  /// it receives an update.
  ///
  /// The default is enough for 40 Mbit/s over a round trip of 100 ms, from the first byte on. If bandwidth and round
  /// trip require it, the window grows up to ``maximumStreamWindow``.
  public var initialConnectionWindow = 512 * 1024
  /// The maximum number of unread bytes in all streams of a connection together, unless its window has grown beyond
  /// that. Content that a handler has read counts until it asks for more. Bytes that would exceed this are not returned
  /// to the connection's window. This is the only limit through which handlers that do not read can delay other
  /// streams.
  ///
  /// The default is the unread content of sixteen streams. Clients with more uploads than that, whose handlers all wait
  /// for something else, are rare; clients that try to fill the server's memory are not.
  public var maximumUnreadLength = 1024 * 1024
  /// How long a client with requests in flight may send nothing before it is sent a PING. A client that stays silent
  /// for the same time again is considered dead.
  public var keepAliveInterval: Duration = .seconds(30)

  /// The allowance for frames without content: PING, SETTINGS, WINDOW_UPDATE, PRIORITY, PRIORITY_UPDATE, CONTINUATION,
  /// empty DATA, and unknown frames. It also covers streams that are refused without fault of the client: before the
  /// client has acknowledged our SETTINGS, which contain the limit of streams; while handlers of streams that it has
  /// cancelled have not ended; and when the server is short of memory. A client that exceeds the allowance loses its
  /// connection (GOAWAY, `ENHANCE_YOUR_CALM`).
  ///
  /// Useful work restores it. Each DATA frame in either direction restores two units, unless the client caused it to
  /// have less than 256 bytes; this suffices for clients that measure the connection by PINGs while content is
  /// transferred, such as those of gRPC. Each response restores four. The WINDOW_UPDATEs that content accounts for are
  /// free: two for each frame sent, and two more for each 2 KiB in it.
  ///
  /// The default lets a client begin with hundreds of requests at once, before it has read our SETTINGS, and lets an
  /// idle client send PINGs forever. A thousand frames of an attacker take less than a millisecond.
  public var overheadAllowance = Allowance(atOnce: 1000, perSecond: 16)
  /// The allowance for failed streams: those that the client resets within a second of opening them and before it was
  /// sent any of the response, those that the server resets for an error of the client, those above
  /// ``maximumConcurrentStreams`` although the client knows that limit, and invalid requests that the engine answers
  /// (400, 413, 417, 431, 501). A client that exceeds the allowance loses its connection (GOAWAY, `ENHANCE_YOUR_CALM`).
  ///
  /// Each response sent restores one. A response that the client cancels after it has begun also counts as sent,
  /// because event streams end like this. A client that waits for a second before it cancels causes no more work than
  /// others: its stream was one of ``maximumConcurrentStreams`` for that time.
  ///
  /// The default is twice the number of concurrent streams, so that a client that leaves a page can cancel everything
  /// it has requested, and the same for the next page. A proxy may cancel more, because it serves many clients over one
  /// connection; for a trusted one, set `Int.max`.
  public var failureAllowance = Allowance(atOnce: 200, perSecond: 8)

  /// Creates the default options.
  public init() {}
}

extension HTTP2Options {
  /// A limit on how often a client may do something that is useless to both sides.
  public struct Allowance: Hashable, Sendable {
    /// The maximum number at once; 0 to forbid it.
    public var atOnce: Int {
      didSet { atOnce = max(0, atOnce) }
    }
    /// The number that is restored per second, up to ``atOnce``.
    public var perSecond: Int {
      didSet { perSecond = max(0, perSecond) }
    }

    /// Creates an allowance. Negative numbers are replaced by 0.
    public init(atOnce: Int, perSecond: Int) {
      self.atOnce = max(0, atOnce)
      self.perSecond = max(0, perSecond)
    }
  }
}
