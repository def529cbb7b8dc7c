/// What a request goes through: one middleware after another and, in the end, what answers it. It is made once, when a
/// route is registered, so that nothing has to be made for a request.
///
/// As a ``Handler`` it is what a middleware in front of it knows as the next one: errors have become responses.
final class Chain: Handler {
  private enum Link: Sendable {
    case immediate(any ImmediateMiddleware, next: Chain)
    case middleware(any Middleware, next: Chain)
    case route(Route.Function)
    case unrouted(Unrouted)
  }

  private let link: Link
  /// The function that is all there is, if that never waits: most routes are no more than this.
  private let immediate: Router.ImmediateFunction?
  /// Whether ``runAtOnce(_:)`` answers whatever request comes.
  let neverWaits: Bool

  /// The way through `middleware`, of which the first is the outermost, to `function`.
  static func through(_ middleware: [any Middleware], to function: Route.Function) -> Chain {
    through(middleware, to: Chain(function))
  }

  /// The way through `middleware`, of which the first is the outermost, to where requests without a route are answered.
  static func through(_ middleware: [any Middleware], to unrouted: Unrouted) -> Chain {
    through(middleware, to: Chain(unrouted))
  }

  private static func through(_ middleware: [any Middleware], to end: Chain) -> Chain {
    middleware.reversed().reduce(end) { Chain($1, next: $0) }
  }

  private init(_ function: Route.Function) {
    link = .route(function)
    immediate = if case .immediate(let respond) = function { respond } else { nil }
    neverWaits = immediate != nil
  }

  private init(_ unrouted: Unrouted) {
    link = .unrouted(unrouted)
    immediate = nil
    neverWaits = unrouted.neverWaits
  }

  private init(_ middleware: any Middleware, next: Chain) {
    immediate = nil
    if let middleware = middleware as? any ImmediateMiddleware {
      link = .immediate(middleware, next: next)
      neverWaits = next.neverWaits
    } else {
      link = .middleware(middleware, next: next)
      // Whether it waits, only asking it would tell.
      neverWaits = false
    }
  }

  /// The function that is all there is, if that may wait.
  var function: Router.Function? {
    if case .route(.waiting(let function)) = link { function } else { nil }
  }

  /// The response to `request`, if it can be given in a plain call. The request is the first middleware's to change.
  @inline(__always)
  func runAtOnce(_ request: inout Request) throws -> Response? {
    if let immediate { return try immediate(request) }
    return try runLinkAtOnce(&request)
  }

  private func runLinkAtOnce(_ request: inout Request) throws -> Response? {
    switch link {
    case .route(.immediate(let respond)): return try respond(request)
    case .route(.waiting): return nil
    case .unrouted(let unrouted): return try unrouted.respondAtOnce(to: request)
    case .middleware(let middleware, let next): return try middleware.respondAtOnce(to: request, next: next)
    case .immediate(let middleware, let next):
      // It is called once for a request: so not at all before it is certain that nothing behind it waits.
      guard next.neverWaits else { return nil }
      if let response = try middleware.before(&request) { return response }
      guard var response = next.respondAtOnce(to: request) else { return nil }
      try middleware.after(&response, to: request)
      return response
    }
  }

  /// The response to `request`.
  func run(_ request: Request) async throws -> Response {
    switch link {
    case .route(.immediate(let respond)): try respond(request)
    case .route(.waiting(let respond)): try await respond(request)
    case .unrouted(let unrouted): try await unrouted.respond(to: request)
    case .middleware(let middleware, let next): try await middleware.respond(to: request, next: next)
    case .immediate(let middleware, let next): try await middleware.respond(to: request, next: next)
    }
  }

  func respond(to request: Request) async -> Response {
    do { return try await run(request) } catch { return request.response(for: error) }
  }

  func respondAtOnce(to request: Request) -> Response? {
    do {
      if let immediate { return try immediate(request) }
      var own = request
      return try runLinkAtOnce(&own)
    } catch {
      return request.response(for: error)
    }
  }
}
