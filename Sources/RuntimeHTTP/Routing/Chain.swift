/// The middleware that a request passes through, and the function that answers it. A chain is built once, when its
/// route is registered, so that a request allocates nothing for it.
///
/// As a ``Handler`` it is the `next` of the middleware in front of it: its errors have already become responses.
final class Chain: Handler {
  private enum Link: Sendable {
    case immediate(any ImmediateMiddleware, next: Chain)
    case middleware(any Middleware, next: Chain)
    case route(Route.Function)
    case unrouted(Unrouted)
  }

  private let link: Link
  /// The route's function, if the chain has no middleware and the function never waits. Most routes are like this.
  private let immediate: Router.ImmediateFunction?
  /// Whether ``runAtOnce(_:)`` answers every request.
  let neverWaits: Bool

  /// Returns the chain of `middleware`, the first being the outermost, that ends in `function`.
  static func chain(_ middleware: [any Middleware], endingIn function: Route.Function) -> Chain {
    chain(middleware, endingIn: Chain(function))
  }

  /// Returns the chain of `middleware`, the first being the outermost, that ends in `unrouted`, for requests that
  /// match no route.
  static func chain(_ middleware: [any Middleware], endingIn unrouted: Unrouted) -> Chain {
    chain(middleware, endingIn: Chain(unrouted))
  }

  private static func chain(_ middleware: [any Middleware], endingIn end: Chain) -> Chain {
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
      // There is no way to find out whether it waits, except to call it.
      neverWaits = false
    }
  }

  /// The route's function, if the chain has no middleware and the function may wait.
  var function: Router.Function? {
    if case .route(.waiting(let function)) = link { function } else { nil }
  }

  /// Returns the response to `request`, or `nil` if the chain has to wait. The first middleware may change `request`.
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
      // `before` must run only once for a request, so it is not called unless nothing behind it can wait.
      guard next.neverWaits else { return nil }
      if let response = try middleware.before(&request) { return response }
      guard var response = next.respondAtOnce(to: request) else { return nil }
      try middleware.after(&response, to: request)
      return response
    }
  }

  /// Returns the response to `request`.
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
