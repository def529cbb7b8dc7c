import Foundation
import Runtime
import RuntimeHTTP
import RuntimeSimulation

/// Measures how many HTTP exchanges a second a simulation makes on one core: each in a simulation of its own, which is
/// created and destroyed for it, and a hundred in one.
///
/// It is a separate program, since linking RuntimeSimulation replaces the clocks, which would affect other
/// measurements.
@main struct Main {
  static func main() async throws {
    for (exchanges, runs) in [(1, 3000), (100, 100)] {
      for (name, faults) in [("nothing goes wrong", FaultPlan.none), ("everything does", .rough)] {
        let rates = try await rates(rounds: 3, runs: runs, exchanges: exchanges, faults)
        let text = rates.map { String(format: "%.0f", $0) }.joined(separator: ", ")
        print("\(exchanges) in a simulation, \(name): \(text) exchanges a second")
      }
    }
  }

  private static func rates(rounds: Int, runs: Int, exchanges: Int, _ faults: FaultPlan) async throws -> [Double] {
    var rates: [Double] = []
    for _ in 0..<rounds {
      let start = processorTime()
      try await simulate(seeds: 1...UInt64(runs), faults: faults) { runtime in
        try await serve(exchanges, on: runtime)
      }
      rates.append(Double(runs * exchanges) / (processorTime() - start))
    }
    return rates.sorted()
  }

  /// Runs a server on one host and a client on another, with one exchange per connection.
  private static func serve(_ exchanges: Int, on runtime: SimulatedRuntime) async throws {
    var router = Router()
    router.get("/plaintext") { _ in .text("Hello, World!") }
    let host = runtime.host()
    let server = try await Server(runtime: host, address: .ipv4(host.address, port: 80), handler: router)
    let serving = host.spawn { try await server.run() }
    for _ in 0..<exchanges {
      // A fault may refuse or reset the connection; it still counts as an exchange.
      guard let stream = try? await runtime.connect(to: server.localAddress) else { continue }
      try? await stream.write(Array("GET /plaintext HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n".utf8))
      var answer: [UInt8] = []
      while let some = try? await stream.read(upTo: 4096), !some.isEmpty { answer += some }
      stream.close()
      if !answer.isEmpty { precondition("HTTP/1.1 200 OK".utf8.starts(with: answer.prefix(15))) }
    }
    await server.shutdown()
    try await serving.value
  }

  /// The processor time of this process, in seconds.
  private static func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
