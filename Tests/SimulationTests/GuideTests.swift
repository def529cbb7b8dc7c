import Runtime
import RuntimeHTTP
import RuntimeSimulation
import Testing

struct TooLate: Error, CustomStringConvertible {
  let time: SimulatedClock.Instant
  var description: String { "the answer came at \(time)" }
}

@Test func `A quick answer is quick whatever comes behind it`() async throws {
  try await simulate(seeds: 1...100, faults: .calm) { runtime in
    let host = runtime.host()
    var router = Router()
    router.get("/quick") { _ in .text("quick") }
    router.get("/slow") { _ in
      try await host.clock.sleep(for: .seconds(5))
      return .text("slow")
    }
    let server = try await Server(runtime: host, address: .ipv4(host.address, port: 80), handler: router)
    host.spawn { try await server.run() }

    let stream = try await runtime.connect(to: server.localAddress)
    try await stream.write(
      Array("GET /quick HTTP/1.1\r\nHost: a\r\n\r\nGET /slow HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    _ = try await stream.read(upTo: 1000)
    if runtime.clock.now.offset > .seconds(1) { throw TooLate(time: runtime.clock.now) }
  }
}
