import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

@Suite struct RouterTests {
  // MARK: Paths

  /// Routes that overlap in every way. Each answers with its own path and its parameters.
  private static let overlapping = router([
    "/", "/users", "/users/", "/users/me", "/users/:id", "/users/:id/files/*rest", "/users/me/files/new",
    "/a/b", "/a/:x/c", "/a/:x/:y", "/a/*z", "/files/*path", "/café/:drink", "/x//y",
  ])

  @Test(arguments: [
    ("/", "/"), ("/users", "/users"), ("/users/", "/users/"), ("/users/me", "/users/me"),
    ("/users/7", "/users/:id id=7"), ("/users/me/files/new", "/users/me/files/new"),
    ("/users/me/files/old", "/users/:id/files/*rest id=me rest=old"),
    ("/users/7/files/a/b", "/users/:id/files/*rest id=7 rest=a|b"),
    ("/users/7/files/", "/users/:id/files/*rest id=7 rest="),
    ("/users/7/files", "404"), ("/users/7/", "404"), ("/users//files/x", "404"), ("/user", "404"), ("/userss", "404"),
    ("//", "404"), ("/x//y", "/x//y"), ("/x/y", "404"), ("/x//y/", "404"),
    ("/a/b", "/a/b"), ("/a/b/c", "/a/:x/c x=b"), ("/a/b/d", "/a/:x/:y x=b y=d"), ("/a/b/c/d", "/a/*z z=b|c|d"),
    ("/a/", "/a/*z z="), ("/a//c", "/a/*z z=|c"), ("/a", "404"), ("/files/../etc", "/files/*path path=..|etc"),
    ("/users?x=/users/me", "/users"), ("http://example.org/users", "/users"), ("http://example.org", "/"),
  ])
  func `the path selects the route`(target: String, answer: String) async throws {
    #expect(try await Self.text(Self.overlapping, target) == answer)
  }

  @Test(arguments: [
    ("/%75sers", "/users"), ("/%2Fusers", "404"), ("/users%2Fme", "404"), ("/users/a%2Fb", "/users/:id id=a/b"),
    ("/files/a%2fb/c", "/files/*path path=a/b|c"), ("/caf%C3%A9/th%C3%A9", "/café/:drink drink=thé"),
    ("/users/a+b", "/users/:id id=a+b"), ("/users/%3Aid", "/users/:id id=:id"), ("/users/%25", "/users/:id id=%"),
    ("/users/%6De", "/users/me"), ("/%00", "404"), ("/%FF", "404"),
  ])
  func `escapes are decoded within their segment`(target: String, answer: String) async throws {
    #expect(try await Self.text(Self.overlapping, target) == answer)
  }

  @Test(arguments: ["/users/%", "/users/%4", "/users/%zz", "/users/me%", "/nowhere/%g0", "/users/%00", "/files/a/%FF"])
  func `a path that cannot be decoded gets a 400`(target: String) async throws {
    let error = await #expect(throws: HTTPError.self) {
      _ = try await Self.overlapping.respond(to: Request(target: target))
    }
    #expect(error?.status == .badRequest)
  }

  @Test func `segments keep an encoded slash apart from the others`() async throws {
    var router = Router()
    router.get("/files/*path") { request in
      #expect(request.parameters["path"] == "a/b/c")
      #expect(request.parameters.segments(of: "path") == ["a/b", "c"])
      #expect(request.parameters["none"] == nil)
      return Response()
    }
    #expect(try await router.respond(to: Request(target: "/files/a%2Fb/c")).status == .ok)
  }

  // MARK: Methods

  private static let methods: Router = {
    var router = Router()
    router.get("/item/:id") { .text("get \($0.parameters["id"] ?? "")") }
    router.put("/item/:name") { .text("put \($0.parameters["name"] ?? "")") }
    router.post("/items") { _ in .text("post") }
    router.patch("/items") { _ in .text("patch") }
    router.delete("/items") { _ in .text("delete") }
    router.get("/own") { _ in .text("get") }
    router.on(.head, "/own") { _ in Response(headers: ["X": "head"]) }
    router.on(.options, "/own") { _ in .text("options") }
    router.delete("/item/special") { _ in .text("delete special") }
    return router
  }()

  @Test(arguments: [
    (Method.get, "/item/7", "get 7"), (.put, "/item/7", "put 7"), (.post, "/items", "post"),
    (.patch, "/items", "patch"), (.delete, "/items", "delete"), (.options, "/own", "options"),
    (.delete, "/item/special", "delete special"),
  ])
  func `the method selects among the routes of a path`(method: Method, target: String, answer: String) async throws {
    #expect(try await Self.text(Self.methods, target, method) == answer)
  }

  @Test func `a method without a route gets a 405 with the allowed methods`() async throws {
    for (method, target, allow) in [
      (Method.delete, "/item/7", "GET, HEAD, PUT, OPTIONS"), (.get, "/items", "POST, DELETE, OPTIONS, PATCH"),
      (.head, "/items", "POST, DELETE, OPTIONS, PATCH"), (.trace, "/own", "GET, HEAD, OPTIONS"),
      // The path is matched first, so a route for another path that would fit is not considered.
      (.get, "/item/special", "DELETE, OPTIONS"),
    ] {
      let response = try await Self.methods.respond(to: Request(method: method, target: target))
      #expect(response.status == .methodNotAllowed)
      #expect(response.headers["Allow"] == allow)
    }
  }

  private static let uncommon: Router = {
    var router = Router()
    router.on("MKCOL", "/dav") { _ in .text("mkcol") }
    router.on("PROPFIND", "/dav") { _ in .text("propfind") }
    router.get("/dav") { _ in .text("get") }
    router.get("/plain") { _ in .text("plain") }
    return router
  }()

  @Test func `any method may have routes`() async throws {
    #expect(try await Self.text(Self.uncommon, "/dav", "PROPFIND") == "propfind")
    let refused = try await Self.uncommon.respond(to: Request(method: .put, target: "/dav"))
    #expect(refused.status == .methodNotAllowed)
    #expect(refused.headers["Allow"] == "GET, HEAD, OPTIONS, MKCOL, PROPFIND")
    let all = try await Self.uncommon.respond(to: Request(method: .options, target: "*"))
    #expect(all.headers["Allow"] == "GET, HEAD, OPTIONS, MKCOL, PROPFIND")
  }

  /// The method, the target, and the status of the response.
  private static let unrouted: [(Method, String, Int)] = [
    ("PROPFIND", "/plain", 405), ("PROPFIND", "/none", 404), (.put, "/plain", 405), (.put, "/none", 404),
    ("BREW", "/plain", 501), ("BREW", "/none", 501), ("get", "/plain", 501),
  ]

  @Test(arguments: Transport.allCases)
  func `the connection persists after a request without a route`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: Self.uncommon) { client async throws in
      for (method, target, status) in Self.unrouted {
        let response = try await client.request(method.name, target)
        #expect(response.status == status && (response["Allow"] != nil) == (status == 405), "\(method) \(target)")
        #expect(response["Connection"] == nil)
      }
      #expect(try await client.get("/plain").text == "plain")
    }
    try await withHTTP2(over: transport, handler: Self.uncommon) { client async throws in
      for (method, target, status) in Self.unrouted {
        #expect(try await client.request(method.name, target).status == status, "\(method) \(target)")
      }
      #expect(try await client.get("/plain").text == "plain")
    }
  }

  @Test func `the route for GET answers HEAD unless HEAD has its own`() async throws {
    #expect(try await Self.text(Self.methods, "/item/7", .head) == "get 7")
    #expect(try await Self.methods.respond(to: Request(method: .head, target: "/own")).headers["X"] == "head")
  }

  @Test func `OPTIONS lists the methods of the path or of the server`() async throws {
    let item = try await Self.methods.respond(to: Request(method: .options, target: "/item/7"))
    #expect(item.status == .noContent)
    #expect(item.headers["Allow"] == "GET, HEAD, PUT, OPTIONS")
    let all = try await Self.methods.respond(to: Request(method: .options, target: "*"))
    #expect(all.status == .noContent)
    #expect(all.headers["Allow"] == "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH")
    #expect(try await Self.methods.respond(to: Request(method: .options, target: "/none")).status == .notFound)
  }

  @Test func `CONNECT is not implemented`() async throws {
    await #expect(throws: HTTPError(.notImplemented)) {
      _ = try await Self.methods.respond(to: Request(method: .connect, target: "example.org:443"))
    }
  }

  @Test func `a not-found handler replaces the default answer`() async throws {
    var router = Self.methods
    router.notFound = { .text("no \($0.path)", status: .notFound) }
    #expect(try await Self.text(router, "/nowhere") == "no /nowhere")
  }

  // MARK: Middleware

  private struct Refusal: Middleware {
    func respond(to request: Request, next: any Handler) async throws -> Response { Response(status: .forbidden) }
  }

  @Test func `the first middleware is the outermost and sees every response`() async throws {
    var router = Router()
    router.use(Tag(name: "a"))
    router.get("/") { .text($0.headers["Path"] ?? "") }
    router.use(Tag(name: "b"))
    router.notFound = { .text($0.headers["Path"] ?? "", status: .notFound) }
    let found = try await router.respond(to: Request(target: "/"))
    #expect(found.headers["Way"] == "ba")
    #expect(try await found.body.collect(upTo: 10) == Array("ab".utf8))
    let missing = try await router.respond(to: Request(target: "/none"))
    #expect(missing.status == .notFound && missing.headers["Way"] == "ba")
    let refused = try await router.respond(to: Request(method: .post, target: "/"))
    #expect(refused.status == .methodNotAllowed && refused.headers["Way"] == "ba")
  }

  @Test func `middleware may answer itself`() async throws {
    var router = Router()
    router.get("/") { _ in
      Issue.record("the handler was called")
      return Response()
    }
    router.use(Refusal())
    #expect(try await router.respond(to: Request(target: "/")).status == .forbidden)
  }

  // MARK: Mistakes

  @Test(arguments: [
    (["/users/:id", "/users/:name"], "GET /users/:id is registered already"),
    (["/a", "/a"], "GET /a is registered already"), (["/*a", "/*b"], "GET /*a is registered already"),
    (["users"], "does not begin with a slash"), ([""], "does not begin with a slash"),
    (["/a/:"], "a parameter has no name"), (["/a/*"], "a parameter has no name"), (["/:a/:a"], "the same name"),
    (["/*a/b"], "only its last segment"), (["/a?b"], "a query or a fragment"), (["/a%20b"], "written decoded"),
  ])
  func `an invalid route is refused at the start`(paths: [String], reason: String) async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [paths] in
      _ = RouterTests.router(paths)
    }
    let message = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(message.contains(reason))
  }

  // MARK: -

  private static func router(_ paths: [String]) -> Router {
    var router = Router()
    for path in paths {
      router.get(path) { request in
        let names = path.split(separator: "/").filter { ":*".contains($0.first ?? " ") }.map { String($0.dropFirst()) }
        let values = names.map { name in
          "\(name)=\(request.parameters.segments(of: name)?.joined(separator: "|") ?? "?")"
        }
        return .text(([path] + values).joined(separator: " "))
      }
    }
    router.notFound = { _ in .text("404", status: .notFound) }
    return router
  }

  private static func text(_ router: Router, _ target: String, _ method: Method = .get) async throws -> String {
    let response = try await router.respond(to: Request(method: method, target: target))
    return String(decoding: try await response.body.collect(upTo: 1000), as: UTF8.self)
  }
}
