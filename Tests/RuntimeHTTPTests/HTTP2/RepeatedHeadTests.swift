import Testing

@testable import RuntimeHTTP

/// Responses that repeat the head of the response before. They are sent as the same bytes, which must decode to the
/// same head.
@Suite struct RepeatedHeadTests {
  /// A head as a handler makes it.
  private struct Head {
    var status = Status.ok
    var fields: HeaderFields = [:]
    var length = 0

    /// The lines that the client gets, without the date.
    var lines: [String] {
      let length = status == .noContent ? [] : ["content-length: \(length)"]
      return [":status: \(status.code)"] + fields.map { "\($0.name.lowercased()): \($0.value)" } + length
    }
  }

  private static let fields: [HeaderFields] = [
    [:], ["Content-Type": "text/plain"], ["content-type": "text/plain"], ["Content-Type": "text/html"],
    ["Content-Type": "text/plain", "X-Content-Type-Options": "nosniff"], ["X": "a", "Y": "b"], ["Xa": "", "Y": "b"],
    ["Location": "/a", "ETag": "\"1\""], ["Long": String(repeating: "x", count: 3000)],
  ]

  /// Answers requests one after another, on a connection that has been used.
  private final class Server {
    let scenario = CoreScenario.begun()
    private var stream: StreamID = 1

    init() { scenario.hidesDates = false }

    /// The lines that the client gets of the response with `head`, and the size of its frames without content.
    func answer(_ head: Head) -> (lines: [String]?, size: Int) {
      scenario.send(ClientBytes.request(stream))
      defer { stream += 2 }
      let slot = scenario.slot(of: stream)
      scenario.core.respond(slot, head.status, head.fields, content: Array(repeating: 0x20, count: head.length))
      let size = scenario.core.output.count - head.length
      let told = scenario.write()
      scenario.core.endHandler(slot)
      guard case .headers(_, let lines, _)? = told.first else { return (nil, size) }
      return (lines, size)
    }
  }

  @Test func `the client decodes each head correctly, whatever was sent between`() {
    var generator = SeededGenerator(state: 9)
    for _ in 0..<20 {
      let server = Server()
      // The window of the connection.
      server.scenario.send(ClientBytes.windowUpdate(0, 1 << 24))
      var second = 0
      var head = Head()
      var date = ""
      for _ in 0..<300 {
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: head.fields = Self.fields.randomElement(using: &generator) ?? [:]
        case 1: head.status = [.ok, .created, .notFound, .noContent].randomElement(using: &generator) ?? .ok
        case 2...4: head.length = Int.random(in: 0..<3, using: &generator) * 50
        case 5:
          second += 1
          date =
            "date: Thu, 01 Jan 1970 00:\(String(100 + second / 60).dropFirst()):\(String(100 + second % 60).dropFirst()) GMT"
          server.scenario.core.setTime(to: second)
        case 6:
          let size = UInt32.random(in: 0..<8, using: &generator) * 40
          server.scenario.send(ClientBytes.settings((.headerTableSize, Bool.random(using: &generator) ? 4096 : size)))
        case 7: server.scenario.core.releaseMemory()
        default: break
        }
        if case 7 = Int.random(in: 0..<8, using: &generator), !date.isEmpty { server.scenario.core.setTime(to: second) }
        let told = server.answer(head)
        #expect(told.lines?.filter { !$0.hasPrefix("date: ") } == head.lines)
        if let line = told.lines?.first(where: { $0.hasPrefix("date: ") }) { #expect(line == date) }
      }
    }
  }

  @Test func `a repeated head has the same small size, whatever its content length`() {
    let server = Server()
    var head = Head(fields: ["Content-Type": "text/plain", "X-Content-Type-Options": "nosniff"], length: 1000)
    let first = server.answer(head).size
    let second = server.answer(head).size
    #expect(second < first)
    for length in [1000, 2000, 3000] {
      head.length = length
      #expect(server.answer(head).size == second)
    }
  }

  @Test func `a head that closes the connection does so even if it has been sent before`() {
    let server = Server()
    let head = Head(fields: ["A": "b"])
    for _ in 0..<3 { _ = server.answer(head) }
    var last = head
    last.fields["Connection"] = "close"
    #expect(server.answer(last).lines?.contains("a: b") == true)
    #expect(server.scenario.core.ending != .none)
  }
}
