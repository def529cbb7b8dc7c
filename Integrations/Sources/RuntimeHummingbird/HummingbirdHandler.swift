import HTTPTypes
public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import RuntimeHTTP
import RuntimeHTTPTypes

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
  private let sparesInboundClose: @Sendable (_ path: String) -> Bool
  private let contexts: Contexts

  private init(
    _ responder: Responder, _ logger: Logger, _ scheme: String,
    _ sparesInboundClose: @escaping @Sendable (_ path: String) -> Bool, _ contexts: Contexts
  ) {
    self.responder = responder
    self.logger = logger
    self.scheme = scheme
    self.sparesInboundClose = sparesInboundClose
    self.contexts = contexts
  }

  public func respond(to request: RuntimeHTTP.Request) async throws -> RuntimeHTTP.Response {
    let exchange = EngineExchange()
    let head = try HTTPRequest(request, scheme: scheme)
    let own = await ownRequest(request, head, exchange)
    var logger = logger
    logger[metadataKey: "hb.request.id"] = .stringConvertible(RequestIdentity(request: request))
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

  /// The request as Hummingbird has it.
  private func ownRequest(
    _ request: RuntimeHTTP.Request, _ head: HTTPRequest, _ exchange: EngineExchange
  ) async -> HummingbirdCore.Request {
    // An empty buffer has a place for what `consumeWithInboundCloseHandler` needs, and keeps it when it is replaced.
    let body =
      request.body.length == 0
      ? HummingbirdCore.RequestBody(buffer: ByteBuffer()) : RequestBody(asyncSequence: EngineBody(request.body))
    guard !sparesInboundClose(request.path),
      var own = await OpenInbound.request(head, on: exchange.channel(for: request))
    else {
      return HummingbirdCore.Request(head: head, body: body)
    }
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
  ///   - sparesInboundClose: whether nothing that answers requests for a path, as it was sent, calls
  ///     `consumeWithCancellationOnInboundClose` or `consumeWithInboundCloseHandler`. Such requests cost far less, and these
  ///     functions end the process in them.
  public init(
    responder: Responder, logger: Logger = Logger(label: "Hummingbird"), scheme: String = "http",
    sparesInboundClose: @escaping @Sendable (_ path: String) -> Bool = { _ in false }
  ) {
    self.init(responder, logger, scheme, sparesInboundClose, .ofRequest { Responder.Context(source: $0) })
  }

  /// Answers with the routes of `router`; see ``init(responder:logger:scheme:sparesInboundClose:)``.
  public init<Builder: HTTPResponderBuilder>(
    router: Builder, logger: Logger = Logger(label: "Hummingbird"), scheme: String = "http",
    sparesInboundClose: @escaping @Sendable (_ path: String) -> Bool = { _ in false }
  ) where Responder == Builder.Responder {
    self.init(
      responder: router.buildResponder(), logger: logger, scheme: scheme, sparesInboundClose: sparesInboundClose)
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
  ///   - sparesInboundClose: whether nothing that answers requests for a path, as it was sent, calls
  ///     `consumeWithCancellationOnInboundClose` or `consumeWithInboundCloseHandler`. Such requests cost far less, and these
  ///     functions end the process in them.
  public init(
    responder: Responder, logger: Logger = Logger(label: "Hummingbird"), scheme: String = "http",
    sparesInboundClose: @escaping @Sendable (_ path: String) -> Bool = { _ in false }
  ) {
    self.init(responder, logger, scheme, sparesInboundClose, .ofChannel { Responder.Context(source: $0) })
  }

  /// Answers with the routes of `router`; see ``init(responder:logger:scheme:sparesInboundClose:)``.
  public init<Builder: HTTPResponderBuilder>(
    router: Builder, logger: Logger = Logger(label: "Hummingbird"), scheme: String = "http",
    sparesInboundClose: @escaping @Sendable (_ path: String) -> Bool = { _ in false }
  ) where Responder == Builder.Responder {
    self.init(
      responder: router.buildResponder(), logger: logger, scheme: scheme, sparesInboundClose: sparesInboundClose)
  }
}

/// The identity of a request in log lines, which is spelled out only where one is written.
private struct RequestIdentity: CustomStringConvertible, Sendable {
  let request: RuntimeHTTP.Request
  var description: String { request.requestID }
}
