import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import Testing

struct PipelineSimulationTests {
  /// Ready answers used to stay in the output until all requests of a read were answered. A ready answer was five
  /// seconds late if a slow handler's request came in the same read.
  @Test(arguments: ["", "Content-Length: 2\r\n"])
  func `An answer that is ready does not wait for the handler of the next request`(field: String) async throws {
    try await simulate(seeds: Seeds.few) { runtime in
      var router = Router()
      router.get("/quick") { _ in .text("quick") }
      let clock = runtime.clock
      for method in [Method.get, .post] {
        router.on(method, "/slow") { _ in
          try await clock.sleep(for: .seconds(5))
          return .text("slow")
        }
      }
      let server = try await Server(runtime: runtime, address: .loopback(port: 80), handler: router)
      let serving = runtime.spawn { try await server.run() }
      let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      let slow =
        field.isEmpty ? "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" : "POST /slow HTTP/1.1\r\nHost: a\r\n\(field)\r\nhi"
      try await client.send("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n" + slow)
      #expect(try await client.readResponse().text == "quick")
      #expect(clock.now.offset == .zero)
      #expect(try await client.readResponse().text == "slow")
      #expect(clock.now.offset == .seconds(5))
      client.stream.close()
      await server.shutdown()
      try await serving.value
    }
  }
}
