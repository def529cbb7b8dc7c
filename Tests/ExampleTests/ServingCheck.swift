import Runtime
import RuntimeHTTP
import RuntimeTestSupport
import Testing

/// Checks that a server on `runtime` answers by HTTP/1.1 and by HTTP/2, with a handler that sleeps.
func checkThatItServes(on runtime: some AsyncRuntime) async throws {
  var router = Router()
  router.get("/") { request in
    try await runtime.clock.sleep(for: .milliseconds(2))
    return .text("\(request.version)")
  }
  let server = try await Server(
    runtime: runtime, address: .loopback(port: 0), options: .patient, handler: router)
  let serving = runtime.spawn { try await server.run() }

  let http1 = HTTPTestClient(try await runtime.connect(to: server.localAddress))
  let http2 = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
  try await http2.start()
  for _ in 0..<10 {
    #expect(try await http1.get("/").text == "HTTP/1.1")
    #expect(try await http2.get("/").text == "HTTP/2")
  }
  // Otherwise the server would wait until the clients notice its end.
  http1.stream.close()
  http2.stream.close()
  await server.shutdown()
  try await serving.value
}
