public import RuntimeHTTP
public import Tracing

/// Makes a span of each request, and the trace that it belongs to known to its handler.
///
/// ```swift
/// InstrumentationSystem.bootstrap(tracer)
/// router.use(RequestTracing())
/// ```
///
/// The span is named `GET /users/:id`, is of the kind `server`, and has the attributes of OpenTelemetry's semantic
/// conventions for HTTP servers. It begins when the middleware is asked, so put it in front of others. It ends when the
/// response's content has been handed over, and it is the current span until then: while the handler is at work, in the
/// tasks that it starts, and while content is written. A response of 500 or above is an error of the span's, as is content
/// that is broken off.
///
/// Where no tracer is installed there is no span, and `InstrumentationContext.current` has a ``TraceContext`` all the same.
public struct RequestTracing: Middleware {
  private let tracer: (any Tracer)?
  private let scheme: String

  /// - Parameters:
  ///   - tracer: what makes spans; that of the process (`InstrumentationSystem.tracer`) if it is `nil`.
  ///   - scheme: what clients use to get here: `https` behind what ends TLS.
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

  /// Asks `next` where no tracer is installed: a span that was begun for a request which then cannot be answered at once
  /// would be one too many.
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

  /// What makes spans, if anything does.
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
  /// This content, with `context` in force while it is written.
  fileprivate func keeping(_ context: InstrumentationContext) -> ResponseBody {
    wrapping { produce in try await InstrumentationContext.withValue(context) { try await produce() } }
  }
}
