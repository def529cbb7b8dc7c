import RegexBuilder
import Runtime
import RuntimeHTTP
import RuntimePrimitives
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeConsole

@Suite struct PrometheusTests {
  @Test func `A snapshot is valid text, with each family in one piece`() throws {
    let text = String(
      decoding: makeSnapshot(requests: [RequestFigures(route: nil, method: "GET", statusClass: 2)]).prometheusText,
      as: UTF8.self)
    let families = try MetricsText(text).families
    #expect(families["process_resident_memory_bytes"]?.type == "gauge")
    #expect(families["gearbox_runtime_alive_tasks"]?.series == ["gearbox_runtime_alive_tasks": "3"])
    #expect(families["gearbox_runtime_worker_local_queue_depth"]?.series.count == 2)
    #expect(families["gearbox_runtime_longest_stall_seconds"]?.series.values.first == "1.25")
    #expect(
      families["gearbox_server_requests_total"]?.series["gearbox_server_requests_total{server=\"127.0.0.1:80\"}"] == "7"
    )
    for (name, family) in families where family.type == "counter" { #expect(name.hasSuffix("_total")) }
  }

  /// A route may contain any text of its program.
  @Test func `Quotes, backslashes and line feeds in a route are escaped`() async throws {
    let requests = RequestMetrics()
    var router = Router()
    router.get("/a\"b\\c\nd") { _ in .text("") }
    try await observe(requests, "/a%22b%5Cc%0Ad", router)
    let text = String(decoding: makeSnapshot(requests: requests.figures).prometheusText, as: UTF8.self)
    let series =
      "http_server_request_duration_seconds_count{http_request_method=\"GET\","
      + "http_route=\"/a\\\"b\\\\c\\nd\",http_response_status_class=\"2xx\"}"
    #expect(try MetricsText(text).families["http_server_request_duration_seconds"]?.series[series] == "1")
  }

  @Test func `Names become valid, counters end in total, and duplicate series are merged`() throws {
    var family = MetricFamily(.counter, "9 lives-of:cats", "Help with \\ and\nlines")
    family.add(.count(2), [("a b", "x"), ("a b", "again"), ("none", nil)])
    family.add(.count(3), [("a_b", "x")])
    family.add(nil)
    var text: [UInt8] = []
    family.append(to: &text)
    #expect(
      String(decoding: text, as: UTF8.self) == """
        # HELP _9_lives_of:cats_total Help with \\\\ and\\nlines
        # TYPE _9_lives_of:cats_total counter
        _9_lives_of:cats_total{a_b="x"} 5

        """)
    text = []
    MetricFamily(.gauge, "empty", "Nothing").append(to: &text)
    #expect(text.isEmpty)
  }

  @Test func `A histogram counts up to its last bucket`() async throws {
    let requests = RequestMetrics()
    var router = Router()
    router.get("/") { _ in .text("") }
    for _ in 0..<3 { try await observe(requests, "/", router) }
    let text = String(
      decoding: makeSnapshot(requests: requests.figures + requests.figures).prometheusText, as: UTF8.self)
    let family = try #require(try MetricsText(text).families["http_server_request_duration_seconds"])
    let buckets = family.lines.filter { $0.contains("_bucket{") }
    #expect(buckets.count == DurationHistogram.bounds.count + 1)
    #expect(buckets.first?.contains("le=\"0.00005\"") == true)
    #expect(buckets.last?.hasSuffix("le=\"+Inf\"} 6") == true)
    let counts = buckets.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
    #expect(counts == counts.sorted())
    #expect(family.lines.last?.hasSuffix("} 6") == true)
  }
}

/// Makes a request, answered with 200, of a server whose observers include `requests`, over a stream in memory.
private func observe(_ requests: RequestMetrics, _ target: String, _ router: Router) async throws {
  var options = ServerOptions.patient
  options.observers = [requests]
  let (near, far) = MemoryStream.pair(capacity: 4096)
  async let served: Void = serveConnection(far, clock: ContinuousClock(), options: options, handler: router)
  let response = try await HTTPTestClient(near).get(target)
  #expect(response.status == 200)
  near.close()
  await served
}

/// A parser of the text format (https://prometheus.io/docs/instrumenting/exposition_formats/).
struct MetricsText {
  struct Family {
    var type = ""
    /// The value of each series, by its name and labels as written.
    var series: [String: String] = [:]
    var lines: [Substring] = []
  }

  struct Malformed: Error {
    let line: Substring
  }

  private(set) var families: [String: Family] = [:]

  init(_ text: String) throws {
    guard text.hasSuffix("\n") else { throw Malformed(line: "the end") }
    var current = ""
    // Only a line feed ends a line.
    for line in text.unicodeScalars.split(separator: "\n").map({ Substring($0) }) {
      if let match = line.wholeMatch(of: /# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) .*/.dotMatchesNewlines()) {
        current = String(match.1)
        guard families.updateValue(Family(), forKey: current) == nil else { throw Malformed(line: line) }
      } else if let match = line.wholeMatch(of: /# TYPE (\S+) (counter|gauge|histogram)/) {
        guard current == match.1, families[current]?.lines.isEmpty == true else { throw Malformed(line: line) }
        families[current]?.type = String(match.2)
      } else {
        try addSeries(line, to: current)
      }
    }
  }

  private mutating func addSeries(_ line: Substring, to current: String) throws {
    let label = /[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"/.dotMatchesNewlines()
    let labels = Regex {
      "{"
      label
      ZeroOrMore {
        ","
        label
      }
      "}"
    }
    let pattern = Regex {
      Capture {
        Capture(/[a-zA-Z_:][a-zA-Z0-9_:]*/)
        Optionally { labels }
      }
      " "
      Capture(/-?[0-9]+(?:\.[0-9]+)?/)
    }.matchingSemantics(.unicodeScalar)
    guard let match = line.wholeMatch(of: pattern) else { throw Malformed(line: line) }
    let (_, series, name, value) = match.output
    let suffixes = families[current]?.type == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
    guard suffixes.contains(where: { name == current + $0 }),
      families[current]?.series.updateValue(String(value), forKey: String(series)) == nil
    else { throw Malformed(line: line) }
    families[current]?.lines.append(line)
  }
}
