import Glibc
import InMemoryLogging
import IntegrationTestSupport
import Logging
import Runtime
import RuntimeHTTP
import RuntimeLogging
import RuntimeSelection
import Testing

/// The events that a `Logger` gets, and the logger of a request.
@Suite(.timeLimit(.minutes(2))) struct LoggingTests {
  private let handler = InMemoryLogHandler()

  private var logger: Logger {
    Logger(label: "test") { [handler] _ in handler }
  }

  @Test func `an event keeps its level, its message and its request`() {
    let context = Runtime.LogEvent.Context(request: "a-1", method: "GET", route: "/b/:c")
    logger.log(Runtime.LogEvent(.error, "no", about: context, fields: [.init("why", "full")]))
    logger.log(Runtime.LogEvent(.warning, "slow"))
    #expect(
      handler.entries == [
        .init(
          level: .error, message: "no",
          metadata: ["request_id": "a-1", "method": "GET", "route": "/b/:c", "why": "full"]),
        .init(level: .warning, message: "slow", metadata: [:]),
      ])
  }

  @Test(arguments: Logger.Level.allCases)
  func `every level has its line`(_ level: Logger.Level) throws {
    let line = try lines(.text) { logger in
      var logger = logger
      logger.logLevel = .trace
      logger.log(level: level, "so it is", metadata: ["b": "2 \"3\"", "a": "\n"])
    }
    #expect(line.first?.hasSuffix(#" \#(level): so it is logger="test" a="\x0a" b="2 \"3\"""#) == true)
  }

  @Test func `in JSON metadata are members, and those of the statement override others`() throws {
    let lines = try lines(.json) { logger in
      var logger = logger
      logger[metadataKey: "a"] = "handler's"
      logger[metadataKey: "b"] = "handler's"
      logger.info("one\ntwo", metadata: ["b": "own", "list": ["x", "y"]])
    }
    let line = try #require(lines.first)
    #expect(lines.count == 1)
    #expect(
      line.hasSuffix(
        #""level":"info","message":"one\\ntwo","logger":"test","a":"handler's","b":"own","list":"[\"x\", \"y\"]"}"#),
      "\(line)")
  }

  /// The lines that a logger writes into a pipe.
  private func lines(_ format: LogFormat, _ body: (Logger) -> Void) throws -> [String] {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let writer = LineWriter(descriptor: ends[1], format: format)
    body(Logger(label: "test") { LineLogHandler(label: $0, log: ErrorLog(to: writer)) })
    #expect(writer.flush(within: .seconds(30)))
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(ends[0], &bytes, bytes.count)
    return String(decoding: bytes[..<max(0, count)], as: UTF8.self).split(separator: "\n").map(String.init)
  }

  @Test(arguments: RuntimeKind.allCases)
  func `a handler, its tasks and its content find the request's logger`(_ kind: RuntimeKind) async throws {
    var router = Router()
    router.use(RequestLogging(logger: logger))
    router.get("/plain") { request throws in
      Logger.current.info("plain")
      return .text(request.requestID)
    }
    router.get("/waits") { request async in
      await Task.yield()
      let task = Task { Logger.current.info("task") }
      await task.value
      return Response(
        body: .stream { writer in
          Logger.current.info("content")
          try await writer.write(Array(request.requestID.utf8))
        })
    }
    try await withServer(on: kind, handler: router) { server in
      let plain = try await server.exchange("GET /plain HTTP/1.0\r\n\r\n")
      let waits = try await server.exchange("GET /waits HTTP/1.0\r\nX-Request-Id: mine\r\n\r\n")
      #expect(waits.hasSuffix("\r\n\r\nmine"))
      let id = try #require(plain.split(separator: "\r\n").last)
      #expect(
        handler.entries.map { "\($0.message) \($0.metadata["request_id"].map { "\($0)" } ?? "-")" }
          == ["plain \(id)", "task mine", "content mine"])
    }
  }

  @Test(arguments: RuntimeKind.allCases)
  func `each request has a line, even one that reaches no handler`(_ kind: RuntimeKind) async throws {
    var options = ServerOptions()
    options.observers.append(LoggedRequests(logger: logger))
    var router = Router()
    router.get("/a/:b") { _ throws in .text("hello") }
    try await withServer(on: kind, options: options, handler: router) { server in
      _ = try await server.exchange("GET /a/b?c HTTP/1.0\r\nX-Request-Id: mine\r\n\r\n")
      _ = try await server.exchange("nonsense\r\n\r\n")
    }
    try #require(handler.entries.count == 2)
    let (first, second) = (handler.entries[0], handler.entries[1])
    #expect(first.message == "GET /a/b?c 200" && second.message.description.hasSuffix(" 400"))
    let expected: Logger.Metadata = [
      "request_id": "mine", "method": "GET", "target": "/a/b?c", "version": "HTTP/1.0", "route": "/a/:b",
      "status": "200", "received": "0", "sent": "5", "end": "complete",
    ]
    for (name, value) in expected { #expect(first.metadata[name] == value, "\(name)") }
    #expect(first.metadata["peer"] != nil && first.metadata["duration"] != nil && second.metadata["error"] != nil)
  }
}
