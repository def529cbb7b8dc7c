import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// Request counts.
@Suite(.timeLimit(.minutes(10))) struct RequestMetricsTests {
  private struct Bug: Error {}

  private static var router: Router {
    var router = Router()
    router.get("/users/:id") { _ in .text("hello") }
    router.post("/echo") { request in .text(try await request.text()) }
    router.get("/fail") { _ in throw Bug() }
    return router
  }

  @Test(arguments: [Transport.whole, .sockets])
  func `requests are counted by route, method and class of status`(_ transport: Transport) async throws {
    let metrics = RequestMetrics()
    var options = ServerOptions.quiet
    options.observers = [metrics]
    try await withConnection(over: transport, options: options, handler: Self.router) { client in
      for id in 1...3 { #expect(try await client.get("/users/\(id)").status == 200) }
      for target in ["/nowhere", "/elsewhere"] { #expect(try await client.get(target).status == 404) }
      #expect(try await client.get("/fail").status == 500)
      try await client.send("PATROL /users/4 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await client.readResponse().status == 501)
      try await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
      #expect(try await client.readResponse().text == "hello")
      #expect(try await client.statusOfRefusal(of: "GET /users/5 HTTP/1.1\r\n\r\n") == 400)
    }
    let figures = metrics.figures
    func summary(_ one: RequestFigures) -> String {
      "\(one.method ?? "-") \(one.route ?? "-") \(one.statusClass) \(one.count)\(one.isRefused ? " refused" : "")"
    }
    #expect(
      figures.map(summary) == [
        "- - 5 1", "GET - 4 2", "GET - 4 1 refused", "POST /echo 2 1", "GET /fail 5 1", "GET /users/:id 2 3",
      ])
    let echo = figures.first { $0.route == "/echo" }
    #expect(echo?.receivedBytes == 5 && echo?.sentBytes == 5 && echo?.failures == 0)
    #expect(figures.allSatisfy { $0.goneClients + $0.timeouts + $0.failures == 0 && $0.durations.sum >= .zero })
  }

  @Test func `a request whose client has gone is counted as such`() async throws {
    let metrics = RequestMetrics()
    var options = ServerOptions.quiet
    options.observers = [metrics]
    try await withConnection(options: options, handler: { request in .text(try await request.text()) }) { client in
      try await client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
      client.stream.close()
    }
    #expect(metrics.figures.map(\.goneClients) == [1])
    #expect(metrics.figures.map(\.receivedBytes) == [2])
  }

  @Test func `a duration belongs to the first bucket whose bound it does not exceed`() {
    var histogram = DurationHistogram()
    let bounds = DurationHistogram.bounds
    #expect(bounds == bounds.sorted())
    for bound in bounds {
      histogram.add(bound.nanoseconds)
      histogram.add(bound.nanoseconds + 1)
    }
    #expect(histogram.counts == [1] + [Int](repeating: 2, count: bounds.count - 1) + [1])
    #expect(histogram.count == 2 * bounds.count)
    #expect(histogram.sum == bounds.reduce(.zero) { $0 + $1 + $1 } + .nanoseconds(bounds.count))
    var other = histogram
    other.add(histogram)
    #expect(other.count == 2 * histogram.count && other.sum == histogram.sum * 2)
  }
}
