public import Runtime

/// How a server treats its connections: its limits, its timeouts, and what it says.
///
/// **Memory.** What the engine itself holds is at most the sum of:
///
/// - ``maximumHeldLength``: requests in flight, content that no handler has read, responses that wait for their clients,
///   input and output buffers of connections that wait in the middle of a request.
/// - ``maximumConnections`` times 24 KiB: 2 KB for an idle connection of HTTP/1, 8 KB for one of HTTP/2, and up to 16 KiB
///   that a connection may hold before it is counted.
/// - 64 buffers of each kind that are kept for the next connections: 6 MB.
///
/// The allocator's rounding comes on top: arrays grow by doubling, so that a byte held may take two. So does what the
/// program takes without clients: 12 MB of memory for the web app, and 42 MB of address space. Beside that, glibc reserves
/// 64 MiB of address space for each thread, unless the threads share an arena: `RuntimeSettings.run` has them do so where
/// `ulimit -v` is set, and so does `MALLOC_ARENA_MAX=1` in the environment. One connection of
/// HTTP/2 holds no more unread content than ``HTTP2Options/maximumUnreadLength``, or a receive window that has grown
/// (``HTTP2Options/maximumStreamWindow``), whichever is larger; one of HTTP/1 holds 16 KiB of it. What a handler keeps is
/// its own, except what it reads by ``RequestBody/collect(upTo:)``, which counts as held until the handler has ended.
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
  /// The most content in bytes that is read and thrown away when a handler has answered without reading it, so that
  /// clients which send all they have before they read get their answer.
  ///
  /// Over HTTP/1 a response says `Connection: close` where more may be to come, or where the client has not said how much
  /// that is and it has not come yet; after a response that says nothing of the kind the connection can be used again. A
  /// handler that has begun to read, and that answers by a stream, is taken to read on: what it leaves is read to its end.
  /// Over HTTP/2 a request that has more to come gets no more window, and is ended by RST_STREAM(NO_ERROR) two to three
  /// ticks behind its response (RFC 9113 section 8.1).
  public var maximumDrainedLength = 1024 * 1024

  /// The most connections at once, at least one; those beyond wait in the listener's backlog until another has ended. A
  /// server that has so many says so in the log, at most once in ten seconds.
  /// `nil` is no limit but that of descriptors. Over HTTP/2 each may have
  /// ``HTTP2Options/maximumConcurrentStreams`` requests in flight.
  ///
  /// The default is as many as the process has descriptors for, less an eighth for its own files, and no more than one
  /// for each 64 KiB of memory that it may use: so many idle connections take a quarter of it at most.
  public var maximumConnections: Int? = Self.defaultConnections
  /// The most bytes that the connections of a server hold together for their clients, over either version of HTTP.
  ///
  /// When half of it is held, HTTP/2 receive windows shrink to their least, and a connection that holds more than 64 KiB
  /// may open no more streams (`REFUSED_STREAM`). When all of it is held, requests that would have to be held are refused:
  /// a 503 over HTTP/1, after which the connection is closed, and `REFUSED_STREAM` over HTTP/2. Requests that a handler
  /// answers at once (``Handler/respondAtOnce(to:)``) need nothing of it over HTTP/1.
  /// ``ServerMetrics/heldBytes`` says how much is held.
  ///
  /// The default is a quarter of the memory that the process may use: what is held may take twice its bytes, and the rest
  /// is for handlers.
  public var maximumHeldLength = availableMemory() / 4

  /// What the server does when it has more to do than it can; nothing if `nil`, as by default.
  public var overload: OverloadOptions?

  /// How long a head may take from its first byte (then: a 408), and how long a new connection may send nothing.
  public var headTimeout: Duration = .seconds(10)
  /// How long a client may send nothing, or less than ``stallLength``, while its content is waited for (then: a 408), or
  /// take as little while more of a response is there for it (then: the connection is closed, or the stream of HTTP/2).
  public var stallTimeout: Duration = .seconds(30)
  /// The least content in bytes that a client has to send, or take, in each ``stallTimeout`` that the server has to wait
  /// for it: 1 byte to 16 KiB. The default is 16 KiB in thirty seconds, or 546 bytes a second.
  public var stallLength = 16 * 1024
  /// How long a connection may lie between two requests before it is closed.
  public var idleTimeout: Duration = .seconds(60)
  /// How long requests in flight may go on once the server shuts down. Then their handlers' tasks are cancelled, and what
  /// has not begun to be answered gets a 503; what is left half a second later is closed.
  public var shutdownGrace: Duration = .seconds(10)
  /// How long connections of HTTP/1 without a request are kept once the server shuts down. The first request that comes on
  /// one of them is answered, with `Connection: close`. By default they are closed at once, unless a request has come:
  /// behind a load balancer, set the time that it takes to hear of the shutdown. It is no longer than the grace.
  public var shutdownIdleGrace: Duration = .zero

  /// Whether a client of HTTP/1 that has said that it writes no more, while a handler takes long over its request, is
  /// answered nevertheless. Nothing tells it from a client that has closed its connection; so by default its handler's
  /// task is cancelled after one to two ticks (a tick is a quarter of the shortest timeout above, a second at most).
  public var servesHalfClosedClients = false
  /// Whether a client of HTTP/1 that has said that it writes no more is taken for gone while a handler writes a stream to
  /// it: the handler's task is cancelled after one to two ticks. Without this such a client may read on, and one that has
  /// closed its connection is noticed by the next write alone. It is for streams that wait for long between two writes, as
  /// event streams do.
  public var endsStreamsToHalfClosedClients = false

  /// How HTTP/2 is spoken. The limits and timeouts above hold for it as well.
  public var http2 = HTTP2Options()

  /// Whether handlers, and the streams that they give, see the task-local values of the task that calls ``Server/run()``, or
  /// of that which calls ``Server/serve(_:speaking:)``: a logger, or what a service is told of the end by. Each connection,
  /// and over HTTP/2 each request, takes on a copy; so it is off by default.
  public var inheritsTaskLocals = false

  /// The value of the `Server` field of every response; `nil` sends none.
  public var serverName: String?

  /// Makes the response that an error becomes: one of the engine's own (400, 408, 413, 431, 500, 503), one of a ``Router``
  /// (404, 405, 501), or an ``HTTPError`` that a handler throws. The default is plain text.
  ///
  /// ```swift
  /// options.errorResponse = { error, _ in
  ///   .json(#"{"status": \(error.status.code)}"#, status: error.status)
  /// }
  /// ```
  ///
  /// It is given the request as far as it has come, so `nil` if not even its request line was readable. It is called in
  /// the connection's task, and must not block. The error's own ``HTTPError/headers`` are added where it sets none of the
  /// same name. Where it gives a stream or an interim status, the default is sent.
  public var errorResponse: @Sendable (HTTPError, Request?) -> Response = { error, _ in error.response }

  /// What learns of each request: access logs, metrics, traces. Without any, requests cost nothing for it.
  public var observers: [any RequestObserver] = []

  /// Takes what went wrong: to `ErrorLog.standard`, which writes lines to standard error, unless set.
  ///
  /// It is called on any thread, often a worker of the runtime, so it must not block.
  public var log: @Sendable (LogEvent) -> Void = { event in ErrorLog.standard.write(event) }

  /// The usual options.
  public init() {}

  private static var defaultConnections: Int {
    let descriptors = availableDescriptors()
    return max(1, min(descriptors - descriptors / 8, availableMemory() / (64 * 1024)))
  }
}
