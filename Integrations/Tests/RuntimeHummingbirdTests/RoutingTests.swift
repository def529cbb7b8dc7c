import Foundation
import HTTPTypes
import Hummingbird
import IntegrationTestSupport
import Logging
import NIOCore
import Runtime
import RuntimeHummingbird
import RuntimeSelection
import Testing

import struct RuntimeHTTP.ServerOptions

/// Requests as an application's routes see them, and their responses.
@Suite(.timeLimit(.minutes(2))) struct RoutingTests {
  @Test(arguments: RuntimeKind.allCases)
  func `a route sees the head as Hummingbird has it`(_ kind: RuntimeKind) async throws {
    let router = Router(context: EngineContext.self)
    router.on("/users/:id/**", method: .init("PURGE")!) { request, context in
      """
      \(request.method) \(request.uri.path) \(request.uri.queryParameters["q"] ?? "-") \(request.head.authority ?? "-") \
      \(request.head.scheme ?? "-") \(request.headers[values: .accept]) \(request.headers[.cookie] ?? "-") \
      \(try context.parameters.require("id", as: Int.self)) \(context.parameters.getCatchAll()) \
      \(context.endpointPath ?? "-") \(context.source.remoteAddress != nil)
      """
    }
    try await withServer(on: kind, handler: HummingbirdHandler(router: router)) { server in
      let answer = try await server.exchange(
        "PURGE /users/7/a/b?q=x%20y HTTP/1.1\r\nHost: example.org:80\r\nAccept: a\r\nCookie: c=1; d=2\r\nAccept: b\r\n"
          + "Connection: close\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(answer.contains("\r\nContent-Type: text/plain; charset=utf-8\r\n"))
      #expect(
        answer.hasSuffix(
          #"PURGE /users/7/a/b x y example.org:80 http ["a", "b"] c=1; d=2 7 ["a", "b"] /users/{id}/** true"#))
    }
  }

  @Test(arguments: RuntimeKind.allCases)
  func `middleware wraps routes, and errors become responses`(_ kind: RuntimeKind) async throws {
    struct Around: RouterMiddleware {
      let name: String
      func handle(
        _ request: Request, context: BasicRequestContext, next: (Request, BasicRequestContext) async throws -> Response
      ) async throws -> Response {
        var response = try await next(request, context)
        response.headers.append(HTTPField(name: .via, value: "\(name) \(response.status.code)"))
        return response
      }
    }
    struct Unknown: Error {}
    let router = Router()
    router.add(middleware: Around(name: "outer"))
    router.add(middleware: Around(name: "inner"))
    router.get("/") { _, _ in "hello" }
    router.get("/teapot") { _, _ -> String in throw HTTPError(.init(code: 418), message: "short and stout") }
    router.get("/broken") { _, _ -> String in throw Unknown() }
    let log = Recorder<String>()
    var options = ServerOptions()
    options.log = { event in log.note(event.message) }
    try await withServer(on: kind, options: options, handler: HummingbirdHandler(router: router)) { server in
      let found = try await server.exchange("GET / HTTP/1.0\r\n\r\n")
      #expect(found.contains("\r\nVia: inner 200\r\nVia: outer 200\r\n") && found.hasSuffix("\r\n\r\nhello"))
      let teapot = try await server.exchange("GET /teapot HTTP/1.0\r\n\r\n")
      #expect(teapot.hasPrefix("HTTP/1.1 418") && teapot.hasSuffix(#"{"error":{"message":"short and stout"}}"#))
      #expect(try await server.exchange("GET /none HTTP/1.0\r\n\r\n").hasPrefix("HTTP/1.1 404"))
      #expect(log.events.isEmpty)
      #expect(try await server.exchange("GET /broken HTTP/1.0\r\n\r\n").hasPrefix("HTTP/1.1 500"))
      #expect(log.events.count == 1 && log.events[0].contains("Unknown()"))
    }
  }

  struct Note: ResponseCodable, Equatable {
    var name: String
    var date: Date
  }

  @Test(arguments: RuntimeKind.allCases)
  func `JSON goes both ways, and content that is too long is refused`(_ kind: RuntimeKind) async throws {
    let router = Router(context: EngineContext.self)
    router.post("/notes") { request, context in
      var note = try await request.decode(as: Note.self, context: context)
      note.name += "!"
      return EditedResponse(status: .created, response: note)
    }
    router.post("/all") { request, _ in
      var length = 0
      for try await buffer in request.body { length += buffer.readableBytes }
      return "\(length)"
    }
    func post(_ path: String, _ content: String) -> String {
      "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nConnection: close\r\n"
        + "Content-Length: \(content.utf8.count)\r\n\r\n\(content)"
    }
    var options = ServerOptions()
    options.maximumBodyLength = 100
    try await withServer(on: kind, options: options, handler: HummingbirdHandler(router: router)) { server in
      let created = try await server.exchange(post("/notes", #"{"name":"a","date":"2026-01-01T00:00:00Z"}"#))
      #expect(created.hasPrefix("HTTP/1.1 201 Created\r\n"))
      let parts = created.split(separator: "\r\n\r\n", maxSplits: 1)
      let decoder = JSONDecoder()
      decoder.dateDecodingStrategy = .iso8601
      let note = try decoder.decode(Note.self, from: Data(parts[1].utf8))
      #expect(note == Note(name: "a!", date: Date(timeIntervalSince1970: 1_767_225_600)))
      #expect(try await server.exchange(post("/notes", #"{"name":1}"#)).hasPrefix("HTTP/1.1 400"))
      // The context's own limit is 64, the server's 100.
      #expect(try await server.exchange(post("/all", String(repeating: "a", count: 80))).hasSuffix("\r\n\r\n80"))
      #expect(
        try await server.exchange(post("/notes", String(repeating: "a", count: 80))).hasPrefix("HTTP/1.1 413"))
      #expect(
        try await server.exchange(post("/all", String(repeating: "a", count: 101))).hasPrefix("HTTP/1.1 413"))
    }
  }

  @Test(arguments: RuntimeKind.allCases)
  func `a response without content has its length, and its writer is stopped`(_ kind: RuntimeKind) async throws {
    let stopped = Recorder<HTTPResponse.Status>()
    let router = Router(options: .autoGenerateHeadEndpoints)
    router.get("/") { _, _ in "hello" }
    @Sendable func stream(_ status: HTTPResponse.Status) -> Response {
      Response(
        status: status,
        body: ResponseBody { writer in
          do {
            while true { try await writer.write(ByteBuffer(string: "more")) }
          } catch {
            stopped.note(status)
            throw error
          }
        })
    }
    router.head("/stream") { _, _ in stream(.ok) }
    router.get("/nothing") { _, _ in stream(.noContent) }
    try await withServer(on: kind, handler: HummingbirdHandler(router: router)) { server in
      let head = try await server.exchange("HEAD / HTTP/1.0\r\n\r\n")
      #expect(head.contains("\r\nContent-Length: 5\r\n") && head.hasSuffix("\r\n\r\n"))
      #expect(try await server.exchange("HEAD /stream HTTP/1.0\r\n\r\n").hasSuffix("\r\n\r\n"))
      #expect(try await server.exchange("GET /nothing HTTP/1.0\r\n\r\n").hasSuffix("\r\n\r\n"))
      #expect(stopped.events == [.ok, .noContent])
    }
  }

  @Test(arguments: RuntimeKind.allCases)
  func `log lines of a request have its identity`(_ kind: RuntimeKind) async throws {
    let router = Router()
    router.get("/") { _, context in "\(context.id) \(Logger.current[metadataKey: "hb.request.id"]?.description ?? "-")"
    }
    try await withServer(on: kind, handler: HummingbirdHandler(router: router)) { server in
      let answer = try await server.exchange("GET / HTTP/1.0\r\nX-Request-Id: a-1\r\n\r\n")
      #expect(answer.hasSuffix("\r\n\r\na-1 a-1"))
    }
  }
}
