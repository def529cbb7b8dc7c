import InMemoryTracing
import IntegrationTestSupport
import Logging
import RuntimeHTTP
import RuntimeSelection
import RuntimeTracing
import Testing
import Tracing

/// The trace context of requests.
@Suite(.timeLimit(.minutes(2))) struct TracingTests {
  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let caller = "b7ad6b7169203331"

  @Test func `a context is read back as written`() throws {
    let context = try #require(TraceContext(traceparent: "00-\(Self.trace)-\(Self.caller)-01", tracestate: "a=1,b=2"))
    #expect(context.traceID == Self.trace && context.spanID == Self.caller)
    #expect(context.isSampled && context.state == "a=1,b=2")
    #expect(context.traceparent == "00-\(Self.trace)-\(Self.caller)-01")
    let child = context.child
    #expect(child.traceID == Self.trace && child.spanID != Self.caller && child.isSampled && child.state == "a=1,b=2")
    #expect(TraceContext(traceparent: child.traceparent, tracestate: child.state) == child)
    let new = TraceContext()
    #expect(TraceContext(traceparent: new.traceparent) == new && !new.isSampled)
  }

  @Test(arguments: [
    "", "00", "00-\(trace)-\(caller)", "00-\(trace)-\(caller)-1", "00-\(trace)-\(caller)-01-",
    "00-\(trace)-\(caller)-01 ", "ff-\(trace)-\(caller)-01", "0g-\(trace)-\(caller)-01",
    "00-\(trace.uppercased())-\(caller)-01",
    "00-00000000000000000000000000000000-\(caller)-01", "00-\(trace)-0000000000000000-01", "00_\(trace)-\(caller)-01",
    "cc-\(trace)-\(caller)-01.what", "00-\(trace)-\(caller)-0x",
  ])
  func `malformed text is not a context`(_ text: String) { #expect(TraceContext(traceparent: text) == nil) }

  @Test(arguments: ["cc-\(trace)-\(caller)-09", "cc-\(trace)-\(caller)-01-what comes later"])
  func `a later version is read by its known fields`(_ text: String) {
    #expect(TraceContext(traceparent: text)?.isSampled == true)
  }

  @Test func `several traceparent fields are no context, and several tracestate fields are one list`() throws {
    var fields: HeaderFields = ["traceparent": "00-\(Self.trace)-\(Self.caller)-00", "tracestate": "a=1"]
    try fields.append("TraceState", "b=2")
    let context = try #require(fields.instrumentationContext.traceContext)
    #expect(context.traceID == Self.trace && context.state == "a=1,b=2" && !context.isSampled)
    try fields.append("traceparent", "00-\(Self.trace)-\(Self.caller)-00")
    #expect(fields.instrumentationContext.traceContext?.traceID != Self.trace)
    var others: HeaderFields = ["traceparent": "x", "tracestate": "y"]
    var parent = InstrumentationContext.topLevel
    parent.traceContext = TraceContext(traceparent: "00-\(Self.trace)-\(Self.caller)-01")
    others.inject(parent)
    #expect(others["traceparent"] == "00-\(Self.trace)-\(Self.caller)-01" && others["tracestate"] == nil)
  }

  @Test(arguments: RuntimeKind.allCases)
  func `a span lasts until the content is written, and is current until then`(_ kind: RuntimeKind) async throws {
    let tracer = InMemoryTracer()
    var router = Router()
    router.use(RequestTracing(tracer: tracer))
    router.get("/users/:id") { request async in
      await Task.yield()
      let own = InstrumentationContext.current?.inMemorySpanContext?.spanID
      return Response(
        body: .stream { writer in
          #expect(own != nil && InstrumentationContext.current?.inMemorySpanContext?.spanID == own)
          #expect(tracer.activeSpans.count == 1 && tracer.finishedSpans.isEmpty)
          var fields: HeaderFields = [:]
          fields.inject(.current)
          try await writer.write(Array((fields["traceparent"] ?? "").utf8))
        })
    }
    router.get("/fails") { _ async throws in throw HTTPError(.badGateway) }
    router.get("/breaks") { _ async in
      Response(
        body: .stream { writer in
          try await writer.write([1])
          throw CancellationError()
        })
    }
    try await withServer(on: kind, handler: router) { server in
      let answer = try await server.exchange(
        "GET /users/1?a=b HTTP/1.1\r\nHost: here\r\ntraceparent: 00-\(Self.trace)-\(Self.caller)-01\r\n"
          + "User-Agent: me\r\nConnection: close\r\n\r\n")
      #expect(answer.contains("00-\(Self.trace)-") && !answer.contains(Self.caller))
      _ = try await server.exchange("GET /fails HTTP/1.0\r\n\r\n")
      _ = try await server.exchange("GET /breaks HTTP/1.0\r\n\r\n")
      _ = try await server.exchange("BREW /nothing HTTP/1.0\r\n\r\n")
    }
    let spans = tracer.finishedSpans
    #expect(spans.map(\.operationName) == ["GET /users/:id", "GET /fails", "GET /breaks", "HTTP"])
    #expect(spans.allSatisfy { $0.kind == .server } && tracer.activeSpans.isEmpty)
    try #require(spans.count == 4)
    let attributes = spans.map(\.attributes)
    for (name, value) in [
      "http.request.method": "GET", "url.path": "/users/1", "url.query": "a=b", "url.scheme": "http",
      "http.route": "/users/:id", "network.protocol.version": "1.1", "client.address": "127.0.0.1",
      "server.address": "here", "user_agent.original": "me",
    ] { #expect(attributes[0].get(name) == .string(value), "\(name)") }
    #expect(attributes[0].get("http.response.status_code") == .int64(200) && spans[0].status == nil)
    #expect(attributes[1].get("http.response.status_code") == .int64(502))
    #expect(attributes[1].get("error.type") == .string("502") && spans[1].status?.code == .error)
    #expect(spans[2].errors.count == 1 && spans[2].status?.code == .error)
    #expect(attributes[3].get("http.request.method_original") == .string("BREW"))
  }

  @Test(arguments: RuntimeKind.allCases)
  func `without a tracer the trace context is known too, also in plain calls`(_ kind: RuntimeKind) async throws {
    let provider = Logger.MetadataProvider.traceContext
    #expect(provider.get().isEmpty)
    var router = Router()
    router.use(RequestTracing(tracer: nil))
    router.get("/") { _ throws in .text("\(provider.get()["trace_id"] ?? "none")") }
    try await withServer(on: kind, handler: router) { server in
      let answer = try await server.exchange(
        "GET / HTTP/1.0\r\ntraceparent: 00-\(Self.trace)-\(Self.caller)-01\r\n\r\n")
      #expect(answer.hasSuffix("\r\n\r\n" + Self.trace))
      let other = try await server.exchange("GET / HTTP/1.0\r\n\r\n")
      #expect(other.suffix(32).allSatisfy(\.isHexDigit) && !other.hasSuffix(Self.trace))
    }
  }
}
