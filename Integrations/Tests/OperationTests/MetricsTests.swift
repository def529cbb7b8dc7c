import IntegrationTestSupport
import MetricsTestKit
import Runtime
import RuntimeHTTP
import RuntimeSelection
import RuntimeSwiftMetrics
import Testing

/// The metrics reported to swift-metrics.
@Suite(.timeLimit(.minutes(2))) struct MetricsTests {
  @Test(arguments: RuntimeKind.allCases)
  func `requests are measured by method, route and status`(_ kind: RuntimeKind) async throws {
    let metrics = TestMetrics()
    var options = ServerOptions()
    options.observers.append(MeasuredRequests(factory: metrics))
    var router = Router()
    router.post("/a/:b") { request async throws in .text("\(try await request.body.collect(upTo: 9).count)!") }
    router.get("/fails") { _ throws in throw HTTPError(.badGateway) }
    try await withServer(on: kind, options: options, handler: router) { server in
      for path in ["c", "d"] {
        _ = try await server.exchange("POST /a/\(path) HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc")
      }
      for method in ["BREW", "MAKE"] { _ = try await server.exchange("\(method) / HTTP/1.0\r\n\r\n") }
      _ = try await server.exchange("GET /fails HTTP/1.0\r\n\r\n")
    }
    let posts = [
      ("http.request.method", "POST"), ("http.route", "/a/:b"), ("http.response.status_code", "200"),
    ]
    let duration = try metrics.expectTimer("http.server.request.duration", posts)
    #expect(duration.values.count == 2 && duration.values.allSatisfy { $0 > 0 })
    #expect(try metrics.expectRecorder("http.server.request.body.size", posts).values == [3, 3])
    #expect(try metrics.expectRecorder("http.server.response.body.size", posts).values == [2, 2])
    let timers = metrics.timers(label: "http.server.request.duration")
    let methods = timers.flatMap(\.dimensions).filter { $0.0 == "http.request.method" }.map(\.1)
    #expect(Set(methods) == ["POST", "GET", "_OTHER"])
    let failure = timers.first { $0.dimensions.contains { $0 == ("error.type", "502") } }
    #expect(failure?.values.count == 1)
  }

  @Test(arguments: RuntimeKind.allCases)
  func `counters report increases once, and gauges report their value`(_ kind: RuntimeKind) async throws {
    let metrics = TestMetrics()
    let runtime = try RuntimeSettings(kind: kind, workers: 2).makeRuntime()
    func report(_ runtime: some AsyncRuntime) async throws {
      var figures = ServerMetrics()
      figures.totalRequests = 5
      let reports = RuntimeReports(of: runtime, servers: ["a": { [figures] in figures }], factory: metrics)
      let waiting = runtime.spawn { try? await Task.sleep(for: .seconds(3600)) }
      reports.report()
      reports.report()
      waiting.cancel()
      _ = await waiting.result
      #expect(try metrics.expectMeter("gearbox.runtime.alive_tasks").values == [1, 1])
      #expect(try metrics.expectCounter("gearbox.server.requests", [("server", "a")]).values == [5])
      #expect(try metrics.expectMeter("gearbox.server.open_connections", [("server", "a")]).values == [0, 0])
      // It reports at the start and at the end, and ends without a cancellation.
      let running = Task { try await reports.run() }
      running.cancel()
      try await running.value
      #expect(try metrics.expectMeter("gearbox.runtime.alive_tasks").values.count >= 3)
    }
    try await report(runtime)
    await runtime.shutdown(grace: .seconds(5))
  }
}
