import HTTPTypes
public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import RuntimeHTTP
import RuntimeHTTPTypes
import RuntimeLogging

/// A handler that responds with a Hummingbird application: its routes, middleware and contexts.
///
/// ```swift
/// let server = try await RuntimeHTTP.Server(
///   runtime: runtime, address: .loopback(port: 8080), handler: HummingbirdHandler(router: router))
/// ```
///
/// Gearbox handles the connection, its limits and its timeouts (`ServerOptions`). Content is streamed in both
/// directions, with back pressure. The task of a request is cancelled when the client disconnects, as for any handler.
/// Errors for which Hummingbird creates no response are logged and become one of Gearbox's responses: a 500, or the
/// status of an `HTTPError` of `RuntimeHTTP` if the engine has refused to read on.
///
/// A responder may always suspend, so requests are never answered in a plain call (`respondAtOnce`).
public struct HummingbirdHandler<Responder: HTTPResponder>: Handler {
  /// The way to create the context of a request.
  private enum Contexts: Sendable {
    case ofRequest(@Sendable (EngineRequestContextSource) -> Responder.Context)
    case ofChannel(@Sendable (ApplicationRequestContextSource) -> Responder.Context)
  }

  private let responder: Responder
  private let logger: Logger
  private let scheme: String
  private let contexts: Contexts
  private let inputs = OpenInputs()

  private init(_ responder: Responder, _ logger: Logger, _ scheme: String, _ contexts: Contexts) {
    self.responder = responder
    self.logger = logger
    self.scheme = scheme
    self.contexts = contexts
  }

  public func respond(to request: RuntimeHTTP.Request) async throws -> RuntimeHTTP.Response {
    let head = try HTTPRequest(request, scheme: scheme)
    let exchange = await EngineExchange(inputs)
    let own = ownRequest(request, head, exchange)
    var logger = logger
    logger[metadataKey: "hb.request.id"] = .stringConvertible(RequestIdentity(request))
    let response = try await withLogger(logger) { logger in
      try await responder.respond(to: own, context: context(of: request, logger, exchange))
    }
    return try await exchange.response(response, to: request.method)
  }

  private func context(
    of request: RuntimeHTTP.Request, _ logger: Logger, _ exchange: EngineExchange
  ) -> Responder.Context {
    switch contexts {
    case .ofRequest(let make): make(EngineRequestContextSource(request: request, logger: logger))
    case .ofChannel(let make):
      make(ApplicationRequestContextSource(channel: exchange.channel(for: request), logger: logger))
    }
  }

  /// Returns Hummingbird's representation of the request. Its body keeps the exchange's input when it is replaced.
  private func ownRequest(
    _ request: RuntimeHTTP.Request, _ head: HTTPRequest, _ exchange: EngineExchange
  ) -> HummingbirdCore.Request {
    let body =
      request.body.length == 0
      ? HummingbirdCore.RequestBody(buffer: ByteBuffer()) : RequestBody(asyncSequence: EngineBody(request.body))
    guard let input = exchange.input else { return HummingbirdCore.Request(head: head, body: body) }
    var own = HummingbirdCore.Request(head: head, body: input.body)
    own.body = body
    return own
  }
}

extension HummingbirdHandler where Responder.Context: InitializableFromSource<EngineRequestContextSource> {
  /// Creates a handler that responds with `responder`, whose contexts are created from the engine's request.
  ///
  /// - Parameters:
  ///   - logger: the base of the requests' loggers.
  ///   - scheme: the scheme of requests that do not contain one: `https` behind a TLS proxy.
  public init(
    responder: Responder, logger: Logger = Logger(label: "Hummingbird"), scheme: String = "http"
  ) {
    self.init(responder, logger, scheme, .ofRequest { Responder.Context(source: $0) })
  }

  /// Creates a handler that responds with the routes of `router`. See ``init(responder:logger:scheme:)``.
  public init<Builder: HTTPResponderBuilder>(
    router: Builder, logger: Logger = Logger(label: "Hummingbird"), scheme: String = "http"
  ) where Responder == Builder.Responder {
    self.init(responder: router.buildResponder(), logger: logger, scheme: scheme)
  }
}

extension HummingbirdHandler where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
  /// Creates a handler that responds with `responder`, whose contexts require a SwiftNIO channel, like
  /// `BasicRequestContext`.
  ///
  /// They get a substitute that knows the client's address and refuses all operations with ``EngineOwnsConnection``.
  ///
  /// - Parameters:
  ///   - logger: the base of the requests' loggers.
  ///   - scheme: the scheme of requests that do not contain one: `https` behind a TLS proxy.
  public init(
    responder: Responder, logger: Logger = Logger(label: "Hummingbird"), scheme: String = "http"
  ) {
    self.init(responder, logger, scheme, .ofChannel { Responder.Context(source: $0) })
  }

  /// Creates a handler that responds with the routes of `router`. See ``init(responder:logger:scheme:)``.
  public init<Builder: HTTPResponderBuilder>(
    router: Builder, logger: Logger = Logger(label: "Hummingbird"), scheme: String = "http"
  ) where Responder == Builder.Responder {
    self.init(responder: router.buildResponder(), logger: logger, scheme: scheme)
  }
}
