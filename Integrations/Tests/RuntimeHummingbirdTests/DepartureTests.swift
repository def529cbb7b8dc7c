import Hummingbird
import IntegrationTestSupport
import NIOCore
import RuntimeHummingbird
import RuntimeSelection
import Testing

import struct RuntimeHTTP.ServerOptions

/// Routes whose client disconnects.
@Suite(.timeLimit(.minutes(2))) struct DepartureTests {
  /// Options with short ticks: the server checks for disconnected clients every tick, a quarter of the shortest
  /// timeout.
  private static var quickOptions: ServerOptions {
    var options = ServerOptions()
    options.headTimeout = .milliseconds(400)
    options.endsStreamsToHalfClosedClients = true
    return options
  }

  @Test(arguments: RuntimeKind.allCases)
  func `the task of a request is cancelled when the client disconnects`(_ kind: RuntimeKind) async throws {
    let (ended, end) = AsyncStream<Bool>.makeStream()
    let (begun, begin) = AsyncStream<Void>.makeStream()
    let router = Router()
    router.get("/wait") { _, _ -> String in
      begin.finish()
      try? await Task.sleep(for: .seconds(600))
      end.yield(Task.isCancelled)
      return "late"
    }
    let handler = HummingbirdHandler(router: router)
    try await IntegrationTestSupport.withServer(on: kind, options: Self.quickOptions, handler: handler) { server in
      let client = try await server.connect()
      try await client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
      for await _ in begun {}
      client.close()
      #expect(await ended.first { _ in true } == true)
    }
  }

  enum Form: CaseIterable { case engineSource, channelSource }

  /// Routes that call functions that end the process if the body is not Hummingbird's own.
  private func router<Context: RequestContext>(
    _ context: Context.Type, _ events: AsyncStream<String>.Continuation
  ) -> Router<Context> {
    let router = Router(context: Context.self)
    router.get("/events") { request, _ in
      Response(
        status: .ok,
        body: ResponseBody { writer in
          do {
            try await writer.write(ByteBuffer(string: "data: 1\n\n"))
            try await request.body.consumeWithCancellationOnInboundClose { _ in
              try await Task.sleep(for: .seconds(600))
            }
          } catch {
            events.yield("ended by \(error)")
          }
          try await writer.finish(nil)
        })
    }
    router.get("/plain") { _, _ in "plain" }
    router.get("/calm") { request, _ in
      try await request.body.consumeWithCancellationOnInboundClose { _ in
        // Long enough for a cancellation if the input is at its end.
        do { try await Task.sleep(for: .milliseconds(20)) } catch { return "cancelled" }
        return "calm"
      }
    }
    router.post("/sum") { request, _ in
      var request = request
      // A middleware may do this. With content it would leave a body that Hummingbird does not accept.
      if request.headers[.contentLength] == nil { _ = try await request.collectBody(upTo: 1024) }
      let sum = try await request.body.consumeWithCancellationOnInboundClose { body in
        var sum = 0
        for try await buffer in body { sum += buffer.readableBytesView.reduce(0) { $0 + Int($1) } }
        return sum
      }
      return "\(sum)"
    }
    router.post("/closed") { request, _ in
      try await request.body.consumeWithInboundCloseHandler { body in
        for try await _ in body {}
        events.yield("read")
        try? await Task.sleep(for: .seconds(600))
      } onInboundClosed: {
        events.yield("closed")
      }
      return "late"
    }
    return router
  }

  private func withServer(
    _ kind: RuntimeKind, _ form: Form, _ body: (TestServer, AsyncStream<String>) async throws -> Void
  ) async throws {
    let (events, teller) = AsyncStream<String>.makeStream()
    switch form {
    case .engineSource:
      let handler = HummingbirdHandler(router: router(EngineContext.self, teller))
      try await IntegrationTestSupport.withServer(on: kind, options: Self.quickOptions, handler: handler) {
        try await body($0, events)
      }
    case .channelSource:
      let handler = HummingbirdHandler(router: router(BasicRequestContext.self, teller))
      try await IntegrationTestSupport.withServer(on: kind, options: Self.quickOptions, handler: handler) {
        try await body($0, events)
      }
    }
  }

  @Test(arguments: RuntimeKind.allCases, Form.allCases)
  func `consumeWithCancellationOnInboundClose ends when the client disconnects`(
    _ kind: RuntimeKind, _ form: Form
  ) async throws {
    try await withServer(kind, form) { server, events in
      let client = try await server.connect()
      try await client.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
      _ = try await client.read(until: "data: 1\n\n")
      client.close()
      #expect(await events.first { _ in true } == "ended by CancellationError()")
    }
  }

  @Test(arguments: RuntimeKind.allCases, Form.allCases)
  func `consumeWithCancellationOnInboundClose has the content`(_ kind: RuntimeKind, _ form: Form) async throws {
    try await withServer(kind, form) { server, _ in
      let answer = try await server.exchange(
        "POST /sum HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\n\r\n\u{1}\u{2}\u{3}")
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\n6"))
      let empty = try await server.exchange("POST /sum HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
      #expect(empty.hasSuffix("\r\n\r\n0"))
    }
  }

  @Test(arguments: RuntimeKind.allCases, Form.allCases)
  func `consumeWithInboundCloseHandler calls its handler when the client disconnects`(
    _ kind: RuntimeKind, _ form: Form
  ) async throws {
    try await withServer(kind, form) { server, events in
      let client = try await server.connect()
      try await client.send("POST /closed HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1")
      var iterator = events.makeAsyncIterator()
      #expect(await iterator.next() == "read")
      client.close()
      #expect(await iterator.next() == "closed")
    }
  }

  @Test(arguments: RuntimeKind.allCases, Form.allCases)
  func `a watched input affects no other request`(
    _ kind: RuntimeKind, _ form: Form
  ) async throws {
    try await withServer(kind, form) { server, _ in
      for path in ["/calm", "/plain", "/calm", "/calm", "/plain", "/calm"] {
        let answer = try await server.exchange("GET \(path) HTTP/1.0\r\n\r\n")
        #expect(answer.hasSuffix("\r\n\r\n\(path.dropFirst())"))
      }
    }
  }
}
