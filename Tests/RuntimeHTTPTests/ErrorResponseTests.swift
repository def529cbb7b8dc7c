import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// Error responses whose format the service defines.
@Suite(.timeLimit(.minutes(10))) struct ErrorResponseTests {
  private struct Bug: Error {}

  private static var options: ServerOptions {
    var options = ServerOptions.quiet
    options.maximumHeadLength = 300
    options.errorResponse = { error, request in
      .json("{\(error.status.code) \(request?.path ?? "-")}", status: error.status)
    }
    return options
  }

  @Sendable private static func handle(_ request: Request) throws -> Response {
    switch request.path {
    case "/bug": throw Bug()
    case "/locked": throw HTTPError(.methodNotAllowed, headers: ["Allow": "GET"])
    default: Response(status: .continue)
    }
  }

  @Test(arguments: Transport.allCases)
  func `errors of handlers and of the engine have one format over HTTP/1`(_ transport: Transport) async throws {
    try await withConnection(over: transport, options: Self.options, handler: Self.handle) { client in
      #expect(try await client.get("/bug").text == "{500 /bug}")
      let locked = try await client.get("/locked")
      #expect(locked.text == "{405 /locked}" && locked["Allow"] == "GET")
      #expect(locked["Content-Type"] == "application/json")
      #expect(try await client.get("/interim").text == "{500 /interim}")
      let long = String(repeating: "x", count: 400)
      try await client.send("GET /long HTTP/1.1\r\nHost: a\r\nX: \(long)\r\n\r\n") { client in
        let response = try await client.readResponse()
        #expect(response.text == "{431 /long}")
      }
    }
    try await withConnection(over: transport, options: Self.options, handler: Self.handle) { client in
      try await client.send("nonsense\r\n\r\n")
      #expect(try await client.readResponse().text == "{400 -}")
    }
  }

  @Test(arguments: Transport.allCases)
  func `errors of handlers and of the engine have one format over HTTP/2`(_ transport: Transport) async throws {
    try await withHTTP2(over: transport, options: Self.options, handler: Self.handle) { client in
      #expect(try await client.get("/bug").text == "{500 /bug}")
      let locked = try await client.get("/locked")
      #expect(locked.text == "{405 /locked}" && locked["allow"] == "GET")
      let long = try await client.send("GET", "/long", [("x", String(repeating: "x", count: 200))])
      #expect(try await client.readResponse(on: long).text == "{431 /long}")
    }
  }

  @Test func `a handler called without a server gives the responses that a server would give`() async {
    let handler = HandlerFunction { request in try Self.handle(request) }
    for (target, status) in [("/bug", 500), ("/locked", 405), ("/interim", 500)] {
      let response = await handler.response(to: Request(target: target), options: Self.options)
      let text = try? await String(decoding: response.body.collect(upTo: 100), as: UTF8.self)
      #expect(response.status.code == status && text == "{\(status) \(target)}")
      #expect(response.headers["Allow"] == (status == 405 ? "GET" : nil))
    }
    // Middleware sees the same format.
    var router = Router()
    router.get("/bug", using: [Tag(name: "a")]) { request in try Self.handle(request) }
    let response = await router.response(to: Request(target: "/bug"), options: Self.options)
    let text = try? await String(decoding: response.body.collect(upTo: 100), as: UTF8.self)
    #expect(response.status == .internalServerError && text == "{500 /bug}")
    #expect(response.headers["Way"] == "a")
    // Errors are plain text by default.
    #expect(await router.response(to: Request(target: "/")).headers.contentType?.matches(.plainText) == true)
  }

  @Test(arguments: Transport.allCases)
  func `the error responses of a router have that format too`(_ transport: Transport) async throws {
    var router = Router()
    router.get("/known") { _ in .text("fine") }
    try await withConnection(over: transport, options: Self.options, handler: router) { client in
      #expect(try await client.get("/unknown").text == "{404 /unknown}")
      let locked = try await client.request("PUT", "/known", "Content-Length: 0")
      #expect(locked.text == "{405 /known}" && locked["Allow"] == "GET, HEAD, OPTIONS")
      #expect(try await client.request("PURGE", "/known").text == "{501 /known}")
      #expect(try await client.get("/known").text == "fine")
    }
  }

  @Test(arguments: Transport.allCases)
  func `middleware sees the response for an error, and the error is logged once`(
    _ transport: Transport
  ) async throws {
    struct Seen: Middleware {
      func respond(to request: Request, next: any Handler) async throws -> Response {
        var response = try await next.respond(to: request)
        response.headers["Seen"] = "\(response.status.code)"
        return response
      }
    }
    let log = Log()
    var options = Self.options
    options.log = log.options.log
    var router = Router()
    router.use(Seen())
    router.get("/bug") { _ in throw Bug() }
    try await withConnection(over: transport, options: options, handler: router) { client in
      let response = try await client.get("/bug")
      #expect(response.text == "{500 /bug}" && response["Seen"] == "500")
      #expect(try await client.get("/unknown")["Seen"] == "404")
    }
    #expect(log.lines == ["GET /bug: Bug()"])
  }

  @Test func `plain text replaces an error response that is not final`() async throws {
    for status in [Status.continue, .ok] {
      var options = ServerOptions.quiet
      options.errorResponse = { _, _ in Response(status: status, body: .stream { try await $0.write("x") }) }
      try await withConnection(options: options, handler: { _ in throw HTTPError(.notFound, "none") }) { client in
        let response = try await client.get("/")
        #expect(response.status == 404 && response.text == "none\n")
      }
    }
  }
}
