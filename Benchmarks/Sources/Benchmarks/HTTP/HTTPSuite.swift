import Foundation
import Runtime
import RuntimeConcurrency
import RuntimeKit

/// Measures the cost of a request of the web app, on each backend: the app on one core, wrk on another.
///
/// One load generator limits the throughput. So the relevant figure is the processor time per request;
/// `Benchmarks/compare` compares it with that of other servers.
enum HTTPSuite: Suite {
  static let name = "http"
  static let summary = "GET /plaintext of the web app, 64 connections, one worker"
  static let baseline = "custom"

  /// The number of connections that wrk keeps open.
  static let connections = 64
  /// The number of idle kept-alive connections.
  static let idleConnections = 1000

  static func benchmarks() throws -> [Benchmark] {
    let wrk = try Wrk()
    let app = try WebAppProcess.find()
    let cost = [
      Figure(name: "cpu", title: "processor time a request", unit: "us", better: .lower),
      Figure(name: "user", title: "  of it in user space", unit: "us", better: .lower),
      Figure(name: "rate", title: "  requests", unit: "k/s", better: .higher),
    ]
    let pipelined = cost.map { figure in
      Figure(
        name: figure.name, title: figure.name == "cpu" ? "the same, 16 in a pipeline" : figure.title, unit: figure.unit,
        better: figure.better)
    }
    let memory = [
      Figure(name: "bytes", title: "an idle connection, of \(idleConnections)", unit: "bytes", better: .lower)
    ]
    return [
      benchmark("plaintext", cost) { try load(app, on: $0, wrk, pipeline: 1) },
      benchmark("pipeline", pipelined) { try load(app, on: $0, wrk, pipeline: 16) },
      benchmark("idle", memory) { [try await idle(app, on: $0)] },
    ]
  }

  private static func benchmark(
    _ name: String, _ figures: [Figure], _ measure: @escaping (String) async throws -> [Double]
  ) -> Benchmark {
    Benchmark(
      name: name, figures: figures,
      subjects: ["custom", "dispatch", "concurrency"].map { runtime in
        Subject(name: runtime) { try await measure(runtime) }
      })
  }

  private static func load(_ app: URL, on runtime: String, _ wrk: Wrk, pipeline: Int) throws -> [Double] {
    let app = try WebAppProcess(app, runtime: runtime, core: 0)
    defer { app.stop() }
    _ = try wrk.run(app.url, connections: connections, pipeline: pipeline, seconds: 1, core: 1)
    let before = app.processorTime
    let requests = try wrk.run(app.url, connections: connections, pipeline: pipeline, seconds: 3, core: 1)
    let (user, kernel) = (app.processorTime.user - before.user, app.processorTime.kernel - before.kernel)
    let count = Double(requests.count)
    return [(user + kernel) * 1e6 / count, user * 1e6 / count, requests.rate / 1e3]
  }

  /// The resident memory, in bytes, of a connection that has sent one request and then nothing.
  private static func idle(_ app: URL, on runtime: String) async throws -> Double {
    let app = try WebAppProcess(app, runtime: runtime, core: nil)
    defer { app.stop() }
    let client = try ConcurrencyRuntime()
    let request = Array("GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
    func connect() async throws -> SocketStream {
      let stream = try await client.connect(to: .loopback(port: app.port))
      try await stream.write(request.span.bytes)
      try await stream.waitUntilReadable()
      return stream
    }
    var streams = [try await connect()]
    let before = app.residentMemory
    for _ in 0..<idleConnections { streams.append(try await connect()) }
    // The app may still work on the last connection after its answer.
    try await client.clock.sleep(for: .milliseconds(500))
    let bytes = Double(app.residentMemory - before) / Double(idleConnections)
    for stream in streams { stream.close() }
    await client.shutdown()
    return bytes
  }
}
