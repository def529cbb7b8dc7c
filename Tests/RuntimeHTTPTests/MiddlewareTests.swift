import RuntimePrimitives
import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

@Suite struct MiddlewareTests {
  /// Does the same as ``Tag`` without waiting, and counts its calls.
  private struct ImmediateTag: ImmediateMiddleware {
    let name: String
    var calls = Counter()

    func before(_ request: inout Request) -> Response? {
      calls.add(1)
      request.headers["Path"] = (request.headers["Path"] ?? "") + name
      return nil
    }

    func after(_ response: inout Response, to request: Request) {
      response.headers["Way"] = (response.headers["Way"] ?? "") + name
      response.headers["Seen"] = request.headers["Path"]
    }
  }

  private static func path(_ request: Request) -> Response { .text(request.headers["Path"] ?? "") }
  private static func waitingPath(_ request: Request) async -> Response {
    await Task.yield()
    return path(request)
  }

  // MARK: Groups

  private static func grouped() -> Router {
    var router = Router()
    router.get("/plain", path)
    router.group("/api", using: [Tag(name: "b"), ImmediateTag(name: "c")]) { api in
      api.get("", path)
      api.get("/users/:id") { .text("\($0.route ?? "-") \($0.parameters["id"] ?? "-") \($0.headers["Path"] ?? "-")") }
      api.group("/admin", using: [ImmediateTag(name: "d")]) { admin in
        admin.delete("/users/:id", using: [Tag(name: "e")], waitingPath)
      }
      api.group(using: [ImmediateTag(name: "f")]) { group in group.get("/own", path) }
    }
    router.use(ImmediateTag(name: "a"))
    return router
  }

  @Test(arguments: [
    (Method.get, "/plain", "a"), (.get, "/api", "abc"), (.get, "/api/users/7", "/api/users/:id 7 abc"),
    (.delete, "/api/admin/users/7", "abcde"), (.get, "/api/own", "abcf"),
  ])
  func `groups wrap their routes in middleware, outermost first`(
    method: Method, target: String, text: String
  ) async throws {
    let response = try await Self.grouped().respond(to: Request(method: method, target: target))
    #expect(try await Self.text(response) == text)
    let names = text.split(separator: " ").last ?? ""
    #expect(response.headers["Way"] == String(names.reversed()))
  }

  @Test(arguments: [(Method.get, "/api/none", 404), (.get, "/api/", 404), (.post, "/api/own", 405)])
  func `without a route the router's middleware runs and a group's does not`(
    method: Method, target: String, status: UInt16
  ) async throws {
    let response = try await Self.grouped().respond(to: Request(method: method, target: target))
    #expect(response.status.code == status && response.headers["Way"] == "a")
  }

  @Test func `middleware of a router sees the route and its parameters, and its caller does not`() async throws {
    struct Label: ImmediateMiddleware {
      func after(_ response: inout Response, to request: Request) {
        response.headers["Route"] = "\(request.route ?? "none") \(request.parameters["id"] ?? "none")"
      }
    }
    var router = Router()
    router.use(Label())
    router.get("/users/:id") { _ in Response() }
    for (target, label) in [("/users/7", "/users/:id 7"), ("/nowhere", "none none"), ("/users/%FF", "none none")] {
      let request = Request(target: target)
      #expect(try await router.respond(to: request).headers["Route"] == label)
      #expect(request.route == nil)
    }
  }

  @Test(arguments: [
    ("/api/", "/a", "must not end with a slash"), ("api", "/a", "does not begin with a slash"),
    ("/api", "a", "does not begin with a slash"), ("", "", "does not begin with a slash"),
    ("/:id", "/:id", "the same name"), ("/*rest", "/a", "only its last segment"),
  ])
  func `an invalid group is refused at the start`(prefix: String, path: String, reason: String) async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [prefix, path] in
      var router = Router()
      router.group(prefix) { $0.get(path) { _ in Response() } }
    }
    #expect(String(decoding: try #require(result).standardErrorContent, as: UTF8.self).contains(reason))
  }

  // MARK: Plain calls

  @Test(arguments: [(Method.get, "/", Status.ok), (.get, "/none", .notFound), (.post, "/", .methodNotAllowed)])
  func `plain calls answer routes behind middleware that never waits`(
    method: Method, target: String, status: Status
  ) throws {
    let tag = ImmediateTag(name: "a")
    let response = try #require(try Self.mixed(tag).respondAtOnce(to: Request(method: method, target: target)))
    #expect(response.status == status && response.headers["Way"] == "a")
    #expect(tag.calls.count == 1)
  }

  @Test(arguments: ["/waits", "/behind"])
  func `if the handler may wait, a plain call runs no middleware`(target: String) throws {
    let tag = ImmediateTag(name: "a")
    let response = try Self.mixed(tag).respondAtOnce(to: Request(target: target))
    #expect(response == nil && tag.calls.count == 0)
  }

  /// A router with `tag` before a route that never waits, a route that may wait, and a route whose middleware may wait.
  private static func mixed(_ tag: ImmediateTag) -> Router {
    var router = Router()
    router.get("/", path)
    router.get("/waits", waitingPath)
    router.get("/behind", using: [Tag(name: "b")], path)
    router.use(tag)
    return router
  }

  @Test(arguments: Transport.allCases)
  func `middleware that never waits is called once per request, whatever comes after it`(
    _ transport: Transport
  ) async throws {
    let (outer, inner) = (ImmediateTag(name: "a"), ImmediateTag(name: "c"))
    var router = Router()
    router.use(outer)
    router.get("/", using: [inner]) { Self.path($0) }
    router.get("/waits", using: [Tag(name: "b"), inner]) { await Self.waitingPath($0) }
    router.notFound = { _ in .text("none", status: .notFound) }
    try await withConnection(over: transport, handler: router) { client async throws in
      #expect(try await client.get("/").text == "ac")
      #expect(try await client.get("/waits").text == "abc")
      #expect(try await client.get("/none").text == "none")
    }
    #expect(outer.calls.count == 3 && inner.calls.count == 2)
  }

  /// Repeats its earlier responses without calling the next handler.
  private final class Cache: Middleware {
    let kept = Lock<[String: Response]>([:])

    func respond(to request: Request, next: any Handler) async throws -> Response {
      if let response = try respondAtOnce(to: request, next: next) { return response }
      let response = try await next.respond(to: request)
      kept.withLock { $0[request.path] = response }
      return response
    }

    func respondAtOnce(to request: Request, next: any Handler) throws -> Response? {
      kept.withLock { $0[request.path] }
    }
  }

  @Test func `a plain call asks middleware that may wait`() async throws {
    var router = Router()
    router.use(Cache())
    router.get("/") { await Self.waitingPath($0) }
    #expect(try router.respondAtOnce(to: Request(target: "/")) == nil)
    #expect(try await router.respond(to: Request(target: "/")).status == .ok)
    #expect(try router.respondAtOnce(to: Request(target: "/"))?.status == .ok)
  }

  /// Calls the next handler first, and changes its response.
  private struct Stamp: Middleware {
    func respond(to request: Request, next: any Handler) async throws -> Response {
      stamped(try await next.respond(to: request))
    }

    func respondAtOnce(to request: Request, next: any Handler) throws -> Response? {
      try next.respondAtOnce(to: request).map(stamped)
    }

    private func stamped(_ response: Response) -> Response {
      var response = response
      response.headers["Way"] = (response.headers["Way"] ?? "") + "s"
      return response
    }
  }

  @Test func `middleware that first calls the next handler keeps the plain call, and acts once`() async throws {
    var router = Router()
    router.use(Stamp())
    router.use(Stamp())
    router.get("/") { Self.path($0) }
    router.get("/waits") { await Self.waitingPath($0) }
    #expect(try router.respondAtOnce(to: Request(target: "/"))?.headers["Way"] == "ss")
    let early = try router.respondAtOnce(to: Request(target: "/waits"))
    #expect(early == nil)
    #expect(try await router.respond(to: Request(target: "/waits")).headers["Way"] == "ss")
  }

  @Test func `middleware may answer itself, and then the next handler is not called`() async throws {
    struct Refusal: ImmediateMiddleware {
      func before(_ request: inout Request) -> Response? { Response(status: .forbidden) }
      func after(_ response: inout Response, to request: Request) {
        Issue.record("middleware was called for its own response")
      }
    }
    var router = Router()
    router.use(ImmediateTag(name: "a"))
    router.use(Refusal())
    router.get("/") { _ in
      Issue.record("the handler was called")
      return Response()
    }
    let response = try #require(try router.respondAtOnce(to: Request(target: "/")))
    #expect(response.status == .forbidden && response.headers["Way"] == "a")
  }

  // MARK: Errors

  private struct Failure: Error {}
  private struct Thrower: ImmediateMiddleware {
    func before(_ request: inout Request) throws -> Response? { throw HTTPError(.unauthorized) }
  }

  @Test(arguments: [
    ("/gone", 410), ("/fails", 500), ("/waits/gone", 410), ("/waits/fails", 500), ("/thrower", 401), ("/%", 400),
  ])
  func `middleware sees the response for an error`(target: String, status: UInt16) async throws {
    for outer: any Middleware in [ImmediateTag(name: "a"), Tag(name: "a")] {
      var router = Router()
      router.get("/gone") { _ throws in throw HTTPError(.gone) }
      router.get("/fails") { _ throws in throw Failure() }
      router.get("/waits/gone") { _ async throws in throw HTTPError(.gone) }
      router.get("/waits/fails") { _ async throws in throw Failure() }
      router.get("/thrower", using: [Thrower()]) { _ in Response() }
      router.use(outer)
      let response = try await router.respond(to: Request(target: target))
      #expect(response.status.code == status && response.headers["Way"] == "a")
    }
  }

  @Test func `an error without middleware, or of the outermost middleware, is thrown unchanged`() async throws {
    var router = Router()
    router.get("/") { _ throws in throw Failure() }
    #expect(throws: Failure.self) { try router.respondAtOnce(to: Request(target: "/")) }
    await #expect(throws: Failure.self) { try await router.respond(to: Request(target: "/")) }
    router.use(Thrower())
    #expect(throws: HTTPError(.unauthorized)) { try router.respondAtOnce(to: Request(target: "/")) }
    await #expect(throws: HTTPError(.unauthorized)) { try await router.respond(to: Request(target: "/")) }
  }

  private static func text(_ response: Response) async throws -> String {
    String(decoding: try await response.body.collect(upTo: 1000), as: UTF8.self)
  }
}

/// A number that several tasks may add to.
final class Counter: Sendable {
  private let value = Lock(0)
  var count: Int { value.withLock { $0 } }
  func add(_ count: Int) { value.withLock { $0 += count } }
}
