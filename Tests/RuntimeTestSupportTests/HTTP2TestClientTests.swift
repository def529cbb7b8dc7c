import RuntimeTestSupport
import RuntimeTesting
import Testing

@Suite struct HTTP2TestClientTests {
  private typealias Client = HTTP2TestClient<ScriptedStream>

  private static let settings = Client.frame(4)
  /// `:status: 200` from the static table (RFC 7541 appendix A).
  private static let head = Client.frame(1, flags: 4, stream: 1, payload: [0x88])

  @Test func `it reads frames, and answers those that need an answer`() async throws {
    let stream = ScriptedStream([
      Self.settings + Client.frame(6, payload: [1, 2, 3, 4, 5, 6, 7, 8]),
      // A 100 response, then a head in two frames, content, and trailers.
      Client.frame(1, flags: 4, stream: 1, payload: [0x08, 3] + Array("100".utf8)),
      Client.frame(1, stream: 1, payload: [0x88]),
      Client.frame(9, flags: 4, stream: 1, payload: [0, 1, 0x78, 1, 0x79]),
      Client.frame(0, stream: 1, payload: Array("hello".utf8)),
      Client.frame(1, flags: 5, stream: 1, payload: [0, 1, 0x74, 1, 0x75]),
    ])
    let client = HTTP2TestClient(stream)
    let id = try await client.send("GET", "/")
    #expect(try await client.readHead(on: id).status == 100)
    let response = try await client.readResponse(on: id)
    #expect(response.status == 200 && response["x"] == "y" && response.text == "hello")
    #expect(response.trailers.map(\.name) == ["t"])
    #expect(client.statuses(on: id) == ["100", "200"] && client.frameCount == 7)
    let answers = [
      Client.frame(4, flags: 1), Client.frame(6, flags: 1, payload: [1, 2, 3, 4, 5, 6, 7, 8]),
      Client.frame(8, payload: [0, 0, 0, 5]), Client.frame(8, stream: 1, payload: [0, 0, 0, 5]),
    ].flatMap { $0 }
    #expect(stream.written.suffix(answers.count) == answers[...])
  }

  private static func head(_ payload: [UInt8], flags: UInt8 = 4, stream: UInt32 = 1) -> [UInt8] {
    settings + Client.frame(1, flags: flags, stream: stream, payload: payload)
  }

  private static let wrong: [(String, [UInt8])] = [
    ("a first frame that is not SETTINGS", head),
    ("a push", settings + Client.frame(5, flags: 4, stream: 1, payload: [0, 0, 0, 2, 0x88])),
    ("a stream that is not open", head([0x88], stream: 3)),
    ("a head without a status", head([0, 1, 0x78, 1, 0x79])),
    ("a name in upper case", head([0x88, 0, 1, 0x58, 1, 0x79], flags: 5)),
    ("a field of a connection of HTTP/1", head([0x88, 0, 2, 0x74, 0x65, 1, 0x79], flags: 5)),
    ("an interrupted block", head([0x88], flags: 0) + settings),
    ("content before a head", settings + Client.frame(0, flags: 1, stream: 1)),
    ("a second head", settings + head + head),
    ("a frame behind the end", head([0x88], flags: 5) + Client.frame(0, stream: 1)),
    ("an interim head that is the last", head([0x08, 3, 0x31, 0x30, 0x30], flags: 5)),
    ("too little content", head([0x88, 0x0F, 0x0D, 1, 0x35], flags: 5)),
    ("a frame of a wrong size", settings + Client.frame(6, payload: [1])),
    ("a window over the largest", settings + Client.frame(8, payload: [0x7F, 0xFF, 0xFF, 0xFF])),
    ("a second GOAWAY that says more than the first", settings + goAway(0, 0) + goAway(0, 1)),
    ("a frame behind a GOAWAY of which its stream is no part", settings + goAway(0, 0) + head),
    ("more content than the window", settings + head + content + content + content + content + content),
  ]

  private static func goAway(_ high: UInt8, _ low: UInt8) -> [UInt8] {
    Client.frame(7, payload: [high, 0, 0, low, 0, 0, 0, 0])
  }

  private static let content = Client.frame(0, stream: 1, payload: [UInt8](repeating: 0, count: 16_384))

  @Test(arguments: wrong)
  func `it refuses what a server must not send`(_ what: String, _ bytes: [UInt8]) async throws {
    let client = HTTP2TestClient(ScriptedStream([bytes]))
    client.opensWindows = false
    let id = try await client.send("GET", "/")
    let error = await #expect(throws: TestClientError.self) {
      _ = try await client.readResponse(on: id)
      try await client.readFrame()
    }
    #expect(error != .endOfStream, "\(what)")
  }
}
