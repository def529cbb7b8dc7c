/// The middleware that a request passes through, and the function that answers it. A chain is built once, when its
/// route is registered, so that a request allocates nothing for it.
///
/// As a ``Handler`` it is the `next` of the middleware in front of it: its errors have already become responses.
///
/// A class for each kind of link and not an enum: taking the parts out of an enum would count references to them for
/// each request.
class Chain: Handler, @unchecked Sendable {  // Only constants, also in its subclasses.
  /// Whether ``runAtOnce(_:)`` answers every request.
  let neverWaits: Bool

  fileprivate init(neverWaits: Bool) { self.neverWaits = neverWaits }

  /// Returns the chain of `middleware`, the first being the outermost, that ends in `function`.
  static func chain(_ middleware: [any Middleware], endingIn function: Route.Function) -> Chain {
    switch function {
    case .immediate(let respond): chain(middleware, endingIn: ImmediateRoute(respond))
    case .waiting(let respond): chain(middleware, endingIn: WaitingRoute(respond))
    }
  }

  /// Returns the chain of `middleware`, the first being the outermost, that ends in `unrouted`, for requests that
  /// match no route.
  static func chain(_ middleware: [any Middleware], endingIn unrouted: Unrouted) -> Chain {
    chain(middleware, endingIn: NoRoute(unrouted))
  }

  private static func chain(_ middleware: [any Middleware], endingIn end: Chain) -> Chain {
    middleware.reversed().reduce(end) { next, middleware in
      if let middleware = middleware as? any ImmediateMiddleware { return ImmediateLink(middleware, next: next) }
      return WaitingLink(middleware, next: next)
    }
  }

  /// The route's function, if the chain has no middleware and the function may wait.
  var function: Router.Function? { nil }

  /// Returns the response to `request`, or `nil` if the chain has to wait. The first middleware may change `request`.
  func runAtOnce(_ request: inout Request) throws -> Response? { try runAtOnce(unchanged: request) }

  /// Returns the response to `request`, or `nil` if the chain has to wait. A change of `request` is not seen outside.
  fileprivate func runAtOnce(unchanged request: Request) throws -> Response? { nil }

  /// Returns the response to `request`. Each subclass has its own.
  func run(_ request: Request) async throws -> Response { throw HTTPError(.notImplemented) }

  final func respond(to request: Request) async -> Response {
    do { return try await run(request) } catch { return request.response(for: error) }
  }

  final func respondAtOnce(to request: Request) -> Response? {
    do { return try runAtOnce(unchanged: request) } catch { return request.response(for: error) }
  }
}

/// The end of a chain: a route whose function never waits.
private final class ImmediateRoute: Chain, @unchecked Sendable {
  private let respond: Router.ImmediateFunction

  init(_ respond: @escaping Router.ImmediateFunction) {
    self.respond = respond
    super.init(neverWaits: true)
  }

  override func runAtOnce(unchanged request: Request) throws -> Response? { try respond(request) }
  override func run(_ request: Request) async throws -> Response { try respond(request) }
}

/// The end of a chain: a route whose function may wait.
private final class WaitingRoute: Chain, @unchecked Sendable {
  private let respond: Router.Function

  init(_ respond: @escaping Router.Function) {
    self.respond = respond
    super.init(neverWaits: false)
  }

  override var function: Router.Function? { respond }
  override func run(_ request: Request) async throws -> Response { try await respond(request) }
}

/// The end of a chain for requests that match no route.
private final class NoRoute: Chain, @unchecked Sendable {
  private let unrouted: Unrouted

  init(_ unrouted: Unrouted) {
    self.unrouted = unrouted
    super.init(neverWaits: unrouted.neverWaits)
  }

  override func runAtOnce(unchanged request: Request) throws -> Response? { try unrouted.respondAtOnce(to: request) }
  override func run(_ request: Request) async throws -> Response { try await unrouted.respond(to: request) }
}

/// Middleware that never waits, in front of `next`.
private final class ImmediateLink: Chain, @unchecked Sendable {
  private let middleware: any ImmediateMiddleware
  private let next: Chain

  init(_ middleware: any ImmediateMiddleware, next: Chain) {
    self.middleware = middleware
    self.next = next
    super.init(neverWaits: next.neverWaits)
  }

  override func runAtOnce(_ request: inout Request) throws -> Response? {
    // `before` must run only once for a request, so it is not called unless nothing behind it can wait.
    guard next.neverWaits else { return nil }
    if let response = try middleware.before(&request) { return response }
    guard var response = next.respondAtOnce(to: request) else { return nil }
    try middleware.after(&response, to: request)
    return response
  }

  override func runAtOnce(unchanged request: Request) throws -> Response? {
    var own = request
    return try runAtOnce(&own)
  }

  override func run(_ request: Request) async throws -> Response {
    try await middleware.respond(to: request, next: next)
  }
}

/// Middleware that may wait, in front of `next`.
private final class WaitingLink: Chain, @unchecked Sendable {
  private let middleware: any Middleware
  private let next: Chain

  init(_ middleware: any Middleware, next: Chain) {
    self.middleware = middleware
    self.next = next
    // There is no way to find out whether it waits, except to call it.
    super.init(neverWaits: false)
  }

  override func runAtOnce(unchanged request: Request) throws -> Response? {
    try middleware.respondAtOnce(to: request, next: next)
  }

  override func run(_ request: Request) async throws -> Response {
    try await middleware.respond(to: request, next: next)
  }
}
