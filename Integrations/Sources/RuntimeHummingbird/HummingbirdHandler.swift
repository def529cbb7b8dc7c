import HTTPTypes
public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import RuntimeHTTP
import RuntimeHTTPTypes
import RuntimeLogging

/// Answers requests with an application of Hummingbird: its routes, its middleware, its contexts.
///
/// ```swift
/// let server = try await RuntimeHTTP.Server(
///   runtime: runtime, address: .loopback(port: 8080), handler: HummingbirdHandler(router: router))
/// ```
///
/// The connection, its limits and its timeouts are Gearbox's (`ServerOptions`). Content goes through as it comes, both
/// ways, and waits for its reader. The task of a request is cancelled when the client goes, as is that of any handler.
/// Errors that Hummingbird makes no response of become one of Gearbox's, and are logged: a 500, or what an `HTTPError` of
/// `RuntimeHTTP` says where the engine has refused to read on.
///
/// A responder may always wait; so no request is answered in a plain call (`respondAtOnce`).
public struct HummingbirdHandler<Responder: HTTPResponder>: Handler {
  /// How the context of a request is made.
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

  /// The request as Hummingbird has it: the body keeps the exchange's input when it is replaced.
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
  /// Answers with `responder`, whose contexts are made of what the engine has.
  ///
  /// - Parameters:
  ///   - logger: what the loggers of requests are made of.
  ///   - scheme: that of requests which do not say theirs: `https` behind what ends TLS.
  public init(
    responder: Responder, logger: Logger = Logger(label: "Hummingbird"), scheme: String = "http"
  ) {
    self.init(responder, logger, scheme, .ofRequest { Responder.Context(source: $0) })
  }

  /// Answers with the routes of `router`; see ``init(responder:logger:scheme:)``.
  public init<Builder: HTTPResponderBuilder>(
    router: Builder, logger: Logger = Logger(label: "Hummingbird"), scheme: String = "http"
  ) where Responder == Builder.Responder {
    self.init(responder: router.buildResponder(), logger: logger, scheme: scheme)
  }
}

extension HummingbirdHandler where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
  /// Answers with `responder`, whose contexts ask for a channel of SwiftNIO, as `BasicRequestContext` does.
  ///
  /// They get one that knows the address of the client and refuses everything else with ``EngineOwnsConnection``.
  ///
  /// - Parameters:
  ///   - logger: what the loggers of requests are made of.
  ///   - scheme: that of requests which do not say theirs: `https` behind what ends TLS.
  public init(
    responder: Responder, logger: Logger = Logger(label: "Hummingbird"), scheme: String = "http"
  ) {
    self.init(responder, logger, scheme, .ofChannel { Responder.Context(source: $0) })
  }

  /// Answers with the routes of `router`; see ``init(responder:logger:scheme:)``.
  public init<Builder: HTTPResponderBuilder>(
    router: Builder, logger: Logger = Logger(label: "Hummingbird"), scheme: String = "http"
  ) where Responder == Builder.Responder {
    self.init(responder: router.buildResponder(), logger: logger, scheme: scheme)
  }
}
