import Runtime
import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

typealias HTTP2Client = HTTP2TestClient<AnyStream>

/// Serves one HTTP/2 connection with `handler` while `body` has the client's end, which has sent its preface.
func withHTTP2(
  over transport: Transport = .whole, options: ServerOptions = .quiet, clock: some Clock<Duration> = ManualClock(),
  settings: [(name: UInt16, value: UInt32)] = [],
  handler: @escaping @Sendable (Request) async throws -> Response, _ body: (HTTP2Client) async throws -> Void
) async throws {
  try await withHTTP2(
    over: transport, options: options, clock: clock, settings: settings, handler: HandlerFunction(handler), body)
}

/// Like the function above, with a handler of any type.
func withHTTP2(
  over transport: Transport, options: ServerOptions = .quiet, clock: some Clock<Duration> = ManualClock(),
  settings: [(name: UInt16, value: UInt32)] = [], handler: some Handler, _ body: (HTTP2Client) async throws -> Void
) async throws {
  try await withConnection(over: transport, options: options, clock: clock, handler: handler) { client in
    let client = HTTP2TestClient(client.stream)
    try await client.start(settings)
    try await body(client)
  }
}

extension HTTP2TestClient {
  /// Checks that the server still answers.
  func expectAnswer(sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let response = try await get("/hello")
    #expect(response.status == 200, sourceLocation: sourceLocation)
  }
}
