public import RuntimeHTTP
public import Tracing

/// A middleware that creates a span for each request, and makes its trace context available to the handler.
///
/// ```swift
/// InstrumentationSystem.bootstrap(tracer)
/// router.use(RequestTracing())
/// ```
///
/// The span is named like `GET /users/:id`, has the kind `server`, and has the attributes of OpenTelemetry's semantic
/// conventions for HTTP servers. It begins when the middleware is called, so place the middleware before others. It
/// ends when the response's content has been passed on, and is the current span until then: in the handler, in the
/// tasks that it starts, and while content is written. A response of 500 or above is an error of the span, and so is
/// content that ends early.
///
/// Without a tracer there is no span, but `InstrumentationContext.current` still has a ``TraceContext``.
public struct RequestTracing: Middleware {
  private let tracer: (any Tracer)?
  private let scheme: String

  /// Creates a middleware.
  ///
  /// - Parameters:
  ///   - tracer: the tracer; `nil` for that of the process (`InstrumentationSystem.tracer`).
  ///   - scheme: the scheme used by clients: `https` behind a TLS proxy.
  public init(tracer: (any Tracer)? = nil, scheme: String = "http") {
    self.tracer = tracer
    self.scheme = scheme
  }

  public func respond(to request: Request, next: any Handler) async throws -> Response {
    let context = request.headers.instrumentationContext
    guard let tracer = activeTracer else { return try await Self.respond(to: request, next, in: context) }
    let span = tracer.startAnySpan(Self.name(of: request), context: context, ofKind: .server)
    span.describe(request, scheme)
    do {
      var response = try await Self.respond(to: request, next, in: span.context)
      span.describe(response)
      response.body = response.body.onEnd { result in
        if case .failure(let error) = result { span.fail(error) }
        span.end()
      }
      return response
    } catch {
      span.fail(error)
      span.end()
      throw error
    }
  }

  /// Calls `next` only without a tracer. Otherwise a span might be started for a request that turns out to need another
  /// call.
  public func respondAtOnce(to request: Request, next: any Handler) throws -> Response? {
    guard activeTracer == nil else { return nil }
    let context = request.headers.instrumentationContext
    var response = try InstrumentationContext.withValue(context) { try next.respondAtOnce(to: request) }
    if let body = response?.body { response?.body = body.keeping(context) }
    return response
  }

  private static func respond(
    to request: Request, _ next: any Handler, in context: InstrumentationContext
  ) async throws -> Response {
    var response = try await InstrumentationContext.withValue(context) { try await next.respond(to: request) }
    response.body = response.body.keeping(context)
    return response
  }

  /// The tracer, unless it does nothing.
  private var activeTracer: (any Tracer)? {
    let tracer = tracer ?? InstrumentationSystem.tracer
    return tracer is NoOpTracer ? nil : tracer
  }

  private static func name(of request: Request) -> String {
    let method = request.method.isStandard ? request.method.name : "HTTP"
    return request.route.map { "\(method) \($0)" } ?? method
  }
}

extension ResponseBody {
  /// Returns this content, with `context` as the current one while it is written.
  fileprivate func keeping(_ context: InstrumentationContext) -> ResponseBody {
    wrapping { produce in try await InstrumentationContext.withValue(context) { try await produce() } }
  }
}
