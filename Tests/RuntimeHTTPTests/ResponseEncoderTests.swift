import Testing

@testable import RuntimeHTTP

@Suite struct ResponseEncoderTests {
  /// The encoded response, with `=` for the date's line, and whether the connection persists.
  private func encode(
    _ status: Status = .ok, _ fields: HeaderFields = [:], length: Int?, chunks: [String] = [],
    trailers: HeaderFields = [:],
    method: RuntimeHTTP.Method = .get, version: HTTPVersion = .http1_1, persisting: Bool = true, server: String = ""
  ) throws -> (text: String, persists: Bool) {
    var encoder = ResponseEncoder()
    var output = ByteBuffer(capacity: 8)
    encoder.appendHead(
      status, fields, contentLength: length, for: .init(method: method, version: version), persisting: persisting,
      serverName: Array(server.utf8), second: 0, into: &output)
    encoder.trailers = trailers
    for chunk in chunks where encoder.sendsContent {
      try encoder.beginContent(chunk.utf8.count, into: &output)
      output.append(Array(chunk.utf8).span)
      encoder.endContent(into: &output)
    }
    try encoder.finish(into: &output)
    let text = String(decoding: output.contents, as: UTF8.self)
    return (text.replacing("Date: Thu, 01 Jan 1970 00:00:00 GMT", with: "="), encoder.persists)
  }

  @Test func `a response with a known length`() throws {
    let (text, persists) = try encode(.ok, ["X": "y"], length: 5, chunks: ["hello"])
    #expect(text == "HTTP/1.1 200 OK\r\nX: y\r\n=\r\nContent-Length: 5\r\n\r\nhello")
    #expect(persists)
  }

  @Test func `9112 7_1 - a response of unknown length is sent in chunks, with trailers`() throws {
    let (text, persists) = try encode(
      length: nil, chunks: ["hello", "0123456789abcdefgh"], trailers: ["X": "y", "Content-Length": "3", "Host": "z"])
    #expect(
      text == "HTTP/1.1 200 OK\r\n=\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "5\r\nhello\r\n12\r\n0123456789abcdefgh\r\n0\r\nX: y\r\n\r\n")
    #expect(persists)
  }

  @Test func `9112 6_3 - a response of unknown length to an HTTP 1_0 client ends with the connection`() throws {
    let (text, persists) = try encode(length: nil, chunks: ["a", "b"], version: .http1_0)
    #expect(text == "HTTP/1.1 200 OK\r\n=\r\nConnection: close\r\n\r\nab")
    #expect(!persists)
  }

  @Test func `9112 9_3 - the Connection field is sent if its value is not the default`() throws {
    #expect(try encode(length: 0, version: .http1_0).text.contains("\r\nConnection: keep-alive\r\n"))
    #expect(try encode(length: 0, persisting: false).text.contains("\r\nConnection: close\r\n"))
    #expect(try !encode(length: 0).text.contains("Connection"))
    let own = try encode(.ok, ["Connection": "X-A, Close"], length: 0)
    #expect(own.text.hasSuffix("\r\nConnection: close\r\n\r\n") && !own.text.contains("X-A") && !own.persists)
  }

  @Test func `9110 7_8 - an Upgrade field gets a Connection field that names it`() throws {
    let (text, persists) = try encode(.upgradeRequired, ["Upgrade": "echo", "Connection": "X-A"], length: 0)
    #expect(
      text == "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: echo\r\n=\r\nContent-Length: 0\r\n\r\n")
    #expect(persists)
  }

  @Test func `framing fields of the handler are not sent`() throws {
    let fields: HeaderFields = [
      "Content-Length": "99", "Transfer-Encoding": "chunked", "Keep-Alive": "timeout=5", "Connection": "keep-alive",
    ]
    #expect(
      try encode(.ok, fields, length: 1, chunks: ["a"]).text == "HTTP/1.1 200 OK\r\n=\r\nContent-Length: 1\r\n\r\na")
  }

  @Test func `a stream without a length uses the length in its head`() throws {
    #expect(
      try encode(.ok, ["Content-Length": "2"], length: nil, chunks: ["a", "b"]).text
        == "HTTP/1.1 200 OK\r\n=\r\nContent-Length: 2\r\n\r\nab")
  }

  @Test func `9110 9_3_2 - a response to HEAD has a length and no content`() throws {
    #expect(
      try encode(length: 5, chunks: ["hello"], method: .head).text
        == "HTTP/1.1 200 OK\r\n=\r\nContent-Length: 5\r\n\r\n")
    #expect(try encode(length: nil, chunks: ["hello"], method: .head).text == "HTTP/1.1 200 OK\r\n=\r\n\r\n")
    #expect(
      try encode(.ok, ["Content-Length": "7"], length: 0, method: .head).text
        == "HTTP/1.1 200 OK\r\n=\r\nContent-Length: 7\r\n\r\n")
  }

  @Test func `9110 8_6 - a response to HEAD has no length of 0 that GET might not have`() throws {
    #expect(try encode(length: 0, method: .head).text == "HTTP/1.1 200 OK\r\n=\r\n\r\n")
    #expect(
      try encode(.ok, ["Content-Length": "0"], length: 0, method: .head).text
        == "HTTP/1.1 200 OK\r\n=\r\nContent-Length: 0\r\n\r\n")
    #expect(try encode(length: 0).text.hasSuffix("\r\nContent-Length: 0\r\n\r\n"))
    #expect(try encode(Status(205), length: 0, method: .head).text.hasSuffix("\r\nContent-Length: 0\r\n\r\n"))
  }

  @Test(arguments: [200, 204, 400, 403, 405, 501])
  func `9110 9_3_6 - a refused CONNECT ends the connection`(status: UInt16) throws {
    let (text, persists) = try encode(Status(status), length: 0, method: .connect)
    #expect(text.hasSuffix("\r\nConnection: close\r\n\r\n") && !persists)
  }

  @Test func `9110 15_3_5 and 15_4_5 - 204 and 304 have no content`() throws {
    #expect(try encode(.noContent, length: 5, chunks: ["hello"]).text == "HTTP/1.1 204 No Content\r\n=\r\n\r\n")
    #expect(
      try encode(.noContent, ["Content-Length": "5"], length: 0, method: .head).text
        == "HTTP/1.1 204 No Content\r\n=\r\n\r\n")
    #expect(try encode(.notModified, length: 5, chunks: ["hello"]).text == "HTTP/1.1 304 Not Modified\r\n=\r\n\r\n")
    #expect(
      try encode(.notModified, ["Content-Length": "5"], length: 0).text
        == "HTTP/1.1 304 Not Modified\r\n=\r\nContent-Length: 5\r\n\r\n")
    #expect(
      try encode(.resetContent, length: 5, chunks: ["hello"]).text
        == "HTTP/1.1 205 Reset Content\r\n=\r\nContent-Length: 0\r\n\r\n")
  }

  @Test func `Date and Server of the handler replace those of the engine`() throws {
    let fields: HeaderFields = ["Date": "then", "Server": "mine", "date": "later"]
    #expect(
      try encode(.ok, fields, length: 0, server: "engine").text
        == "HTTP/1.1 200 OK\r\nDate: then\r\nServer: mine\r\nContent-Length: 0\r\n\r\n")
    #expect(
      try encode(length: 0, server: "engine").text
        == "HTTP/1.1 200 OK\r\n=\r\nServer: engine\r\nContent-Length: 0\r\n\r\n")
  }

  @Test func `content shorter or longer than declared throws, and never has wrong framing`() {
    #expect(throws: BodyError.wrongLength) { try encode(length: 3, chunks: ["ab", "cd"]) }
    #expect(throws: BodyError.wrongLength) { try encode(length: 3, chunks: ["ab"]) }
  }

  @Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
    (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"), (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (4_107_456_000, "Sun, 28 Feb 2100 00:00:00 GMT"),
  ])
  func `9110 5_6_7 - dates have the IMF-fixdate format`(_ second: Int, _ expected: String) {
    var bytes: [UInt8] = []
    HTTPDate.append(second, to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == expected)
  }
}
