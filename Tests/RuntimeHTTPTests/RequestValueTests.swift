import RuntimePrimitives
import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

/// Values that middleware and routers attach to a request belong to that request only.
@Suite struct RequestValueTests {
  private enum UserKey: RequestKey { typealias Value = String }
  private enum CountKey: RequestKey { typealias Value = Int }

  @Test func `values are stored by key, and copies do not share them`() {
    var request = Request(target: "/")
    #expect(request[UserKey.self] == nil)
    request[UserKey.self] = "ada"
    var copy = request
    copy[UserKey.self] = "bob"
    copy[CountKey.self] = 1
    #expect(request[UserKey.self] == "ada" && request[CountKey.self] == nil)
    #expect(copy[UserKey.self] == "bob" && copy[CountKey.self] == 1)
    copy[UserKey.self] = nil
    #expect(copy[UserKey.self] == nil && copy[CountKey.self] == 1)
  }

  /// Stores a value in requests whose path has a parameter.
  private struct Leaver: ImmediateMiddleware {
    func before(_ request: inout Request) -> Response? {
      if let id = request.parameters["id"] { request[UserKey.self] = id }
      return nil
    }
  }

  /// Checks each request from the engine, and may keep it.
  private final class Watcher: Handler {
    private let router: Router
    private let keeps: Bool
    private let kept = Lock<[Request]>([])

    init(_ router: Router, keeps: Bool) {
      self.router = router
      self.keeps = keeps
    }

    func respond(to request: Request) async throws -> Response {
      look(request)
      return try await router.respond(to: request)
    }

    func respondAtOnce(to request: Request) throws -> Response? {
      look(request)
      return try router.respondAtOnce(to: request)
    }

    private func look(_ request: Request) {
      #expect(request.route == nil && request[UserKey.self] == nil && request.parameters.isEmpty)
      if keeps { kept.withLock { $0.append(request) } }
    }
  }

  private static func watcher(keeps: Bool) -> Watcher {
    var router = Router()
    router.use(Leaver())
    let told: @Sendable (Request) -> Response = { request in
      .text("\(request.route ?? "-") \(request.parameters["id"] ?? "-") \(request[UserKey.self] ?? "-")")
    }
    router.get("/users/:id", told)
    router.get("/plain", told)
    router.get("/waits/:id") { request async in
      await Task.yield()
      return told(request)
    }
    router.post("/users/:id") { request async throws in
      _ = try await request.text()
      return told(request)
    }
    return Watcher(router, keeps: keeps)
  }

  private static let exchanges: [(method: String, target: String, text: String)] = [
    ("GET", "/users/7", "/users/:id 7 7"), ("GET", "/plain", "/plain - -"), ("GET", "/waits/8", "/waits/:id 8 8"),
    ("GET", "/plain", "/plain - -"), ("POST", "/users/9", "/users/:id 9 9"), ("GET", "/none", "Not Found\n"),
    ("GET", "/plain", "/plain - -"),
  ]

  @Test(arguments: Transport.allCases, [false, true])
  func `no value of a request reaches the next over HTTP/1`(_ transport: Transport, keeps: Bool) async throws {
    try await withConnection(over: transport, handler: Self.watcher(keeps: keeps)) { client async throws in
      for exchange in Self.exchanges {
        let content = exchange.method == "POST" ? "Content-Length: 3\r\n\r\nabc" : "\r\n"
        try await client.send("\(exchange.method) \(exchange.target) HTTP/1.1\r\nHost: a\r\n" + content)
        #expect(try await client.readResponse().text == exchange.text)
      }
    }
  }

  @Test(arguments: Transport.allCases, [false, true])
  func `no value of a request reaches the next over HTTP/2`(_ transport: Transport, keeps: Bool) async throws {
    try await withHTTP2(over: transport, handler: Self.watcher(keeps: keeps)) { client async throws in
      for exchange in Self.exchanges {
        let hasContent = exchange.method == "POST"
        let stream = try await client.send(exchange.method, exchange.target, ends: !hasContent)
        if hasContent { try await client.send(Array("abc".utf8), on: stream, ends: true) }
        #expect(try await client.readResponse(on: stream).text == exchange.text)
      }
    }
  }
}
