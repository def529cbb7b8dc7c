import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport

/// Runs a server on `host` while `body` uses it, shuts it down, and checks that nothing is left in the simulation.
func serving(
  on host: SimulatedRuntime, in runtime: SimulatedRuntime, _ router: Router, _ options: ServerOptions = ServerOptions(),
  _ body: (Server<SimulatedRuntime, Router>, Task<Void, any Error>) async throws -> Void
) async throws {
  let server = try await Server(
    runtime: host, address: .ipv4(host.address, port: 80), options: options, handler: router)
  let serving = host.spawn { try await server.run() }
  try await body(server, serving)
  await server.shutdown()
  try await serving.value
  try expect(server.metrics.heldBytes == 0, "memory is held: \(server.metrics)")
  try await runtime.expectNothingLeft()
}

/// Returns a response that streams `content` in pieces of 10,000 bytes.
func streamed(_ content: [UInt8]) -> Response {
  Response(
    body: .stream { writer in
      for start in stride(from: 0, to: content.count, by: 10_000) {
        try await writer.write(Array(content[start..<min(start + 10_000, content.count)]))
      }
    })
}
