public import Runtime

/// The settings of a server: limits, timeouts, error responses, observers and the log.
///
/// **Memory.** The engine itself holds at most the sum of:
///
/// - ``maximumHeldLength``: requests in flight, content that no handler has read, responses that wait for their
///   clients, and the input and output buffers of connections that wait in the middle of a request.
/// - ``maximumConnections`` times 24 KiB: 2 KB for an idle connection of HTTP/1, 8 KB for one of HTTP/2, and up to 16
///   KiB that a connection may hold before it is counted.
/// - 64 buffers of each kind that are kept for the next connections: 6 MB.
///
/// The allocator's rounding comes on top: arrays grow by doubling, so one byte held may take two. So does the memory
/// that the program needs without clients, which for the web app is 12 MB, and 42 MB of address space. In addition,
/// glibc reserves 64 MiB of address space for each thread, unless the threads share an arena. `RuntimeSettings.run`
/// makes them share one if `ulimit -v` is set, and so does `MALLOC_ARENA_MAX=1` in the environment.
///
/// One connection of HTTP/2 holds no more unread content than ``HTTP2Options/maximumUnreadLength`` or a receive window
/// that has grown (``HTTP2Options/maximumStreamWindow``), whichever is larger; one of HTTP/1 holds at most 16 KiB. What
/// a handler keeps is not counted, except what it reads by ``RequestBody/collect(upTo:)``, which counts as held until
/// the handler has ended.
public struct ServerOptions: Sendable {
  /// The maximum length of the request line in bytes. A longer one gets a 414.
  public var maximumRequestLineLength = 8 * 1024
  /// The maximum length in bytes of a head, and of trailers. A longer one gets a 431.
  public var maximumHeadLength = 32 * 1024
  /// The maximum number of fields in a head, and in trailers. More get a 431.
  public var maximumFieldCount = 100
  /// The maximum length of a request's content in bytes. Longer content gets a 413. `nil` means no limit: content is
  /// streamed, and a handler that collects it sets its own limit in ``RequestBody/collect(upTo:)``.
  public var maximumBodyLength: Int?
  /// The maximum number of bytes of content that are read and discarded after a handler has responded without reading
  /// them. This lets clients that send everything before they read receive the response.
  ///
  /// Over HTTP/1, a response has `Connection: close` if more than that may follow, or if the client has not declared
  /// the length and the end has not arrived. After any other response the connection can be reused. A handler that has
  /// begun to read and responds with a stream is expected to read on; whatever it leaves is read to its end. Over
  /// HTTP/2, a request with more content gets no more window, and is ended by RST_STREAM(NO_ERROR) two to three ticks
  /// after its response (RFC 9113 section 8.1).
  public var maximumDrainedLength = 1024 * 1024

  /// The maximum number of open connections, at least one. Further connections wait in the listener's backlog until one
  /// has ended. A server that reaches the limit logs this, at most once in ten seconds. `nil` means no limit except the
  /// number of descriptors. Over HTTP/2 each connection may have ``HTTP2Options/maximumConcurrentStreams`` requests in
  /// flight.
  ///
  /// The default is the number of descriptors that the process may open, less an eighth for its own files, and at most
  /// one for each 64 KiB of memory that it may use, so that idle connections take at most a quarter of that memory.
  public var maximumConnections: Int? = Self.defaultConnections
  /// The maximum number of bytes that all connections of a server together hold for their clients, over both versions
  /// of HTTP.
  ///
  /// When half of it is held, HTTP/2 receive windows shrink to their minimum, and a connection that holds more than 64
  /// KiB may open no more streams (`REFUSED_STREAM`). When all of it is held, requests that would have to be held are
  /// refused: over HTTP/1 with a 503, after which the connection is closed, and over HTTP/2 with `REFUSED_STREAM`.
  /// Requests that a handler answers in a plain call (``Handler/respondAtOnce(to:)``) need none of it over HTTP/1.
  /// ``ServerMetrics/heldBytes`` reports how much is held.
  ///
  /// The default is a quarter of the memory that the process may use: a byte held may take two, and the rest is for
  /// handlers.
  public var maximumHeldLength = availableMemory() / 4

  /// How the server detects and handles overload; `nil`, the default, disables this.
  public var overload: OverloadOptions?

  /// How long a head may take from its first byte (otherwise: a 408), and how long a new connection may send nothing.
  public var headTimeout: Duration = .seconds(10)
  /// How long a client may send nothing, or less than ``stallLength``, while the server waits for its content
  /// (otherwise: a 408), and how long it may receive as little while more of a response is ready (otherwise: the
  /// connection, or the HTTP/2 stream, is closed).
  public var stallTimeout: Duration = .seconds(30)
  /// The minimum number of bytes that a client has to send or receive in each ``stallTimeout`` during which the server
  /// waits for it: 1 byte to 16 KiB. The default is 16 KiB in thirty seconds, or 546 bytes a second.
  public var stallLength = 16 * 1024
  /// How long a connection may be idle between two requests before it is closed.
  public var idleTimeout: Duration = .seconds(60)
  /// The grace period of a shutdown: how long requests in flight may continue. After it, their handlers' tasks are
  /// cancelled, and requests without a response get a 503. Connections still open half a second later are closed.
  public var shutdownGrace: Duration = .seconds(10)
  /// How long idle HTTP/1 connections are kept open after a shutdown begins. The next request on such a connection is
  /// answered with `Connection: close`. By default idle connections are closed immediately, unless a request has
  /// arrived. Behind a load balancer, set this to the time that it takes to notice the shutdown. It is limited by the
  /// grace period.
  public var shutdownIdleGrace: Duration = .zero

  /// Whether an HTTP/1 client that has closed its writing side still gets its response if the handler takes long. Such
  /// a client cannot be told from one that has closed its connection, so by default its handler's task is cancelled
  /// after one to two ticks (a tick is a quarter of the shortest timeout above, at most a second).
  public var servesHalfClosedClients = false
  /// Whether an HTTP/1 client that has closed its writing side counts as disconnected while a handler writes a stream
  /// to it: the handler's task is then cancelled after one to two ticks. Without this, such a client can continue to
  /// read, and a client that has closed its connection is noticed only by the next write. Set it for streams with long
  /// pauses between writes, such as event streams.
  public var endsStreamsToHalfClosedClients = false

  /// The settings for HTTP/2. The limits and timeouts above also apply to it.
  public var http2 = HTTP2Options()

  /// Whether handlers, and the streams that they return, see the task-local values of the task that calls
  /// ``Server/run()`` or ``Server/serve(_:speaking:)``, such as a logger or a shutdown notification. Off by default,
  /// because each connection, and over HTTP/2 each request, copies them.
  public var inheritsTaskLocals = false

  /// The value of the `Server` field of every response; `nil` omits the field.
  public var serverName: String?

  /// Makes the response for an error: one of the engine's own (400, 408, 413, 431, 500, 503), one of a ``Router`` (404,
  /// 405, 501), or an ``HTTPError`` thrown by a handler. The default is plain text.
  ///
  /// ```swift
  /// options.errorResponse = { error, _ in
  ///   .json(#"{"status": \(error.status.code)}"#, status: error.status)
  /// }
  /// ```
  ///
  /// The second argument is the request, or as much of it as was received; `nil` if not even its request line could be
  /// parsed. The function is called in the connection's task and must not block. Those of the error's
  /// ``HTTPError/headers`` that the response does not set are added. If the response has a stream or an interim status,
  /// the default is sent instead.
  public var errorResponse: @Sendable (HTTPError, Request?) -> Response = { error, _ in error.response }

  /// The observers of requests: access logs, metrics, traces. Without observers, requests have no cost for this.
  public var observers: [any RequestObserver] = []

  /// The function that receives log events. By default they go to `ErrorLog.standard`, which writes lines to standard
  /// error.
  ///
  /// It is called on any thread, often a worker of the runtime, so it must not block.
  public var log: @Sendable (LogEvent) -> Void = { event in ErrorLog.standard.write(event) }

  /// Creates the default options.
  public init() {}

  private static var defaultConnections: Int {
    let descriptors = availableDescriptors()
    return max(1, min(descriptors - descriptors / 8, availableMemory() / (64 * 1024)))
  }
}
