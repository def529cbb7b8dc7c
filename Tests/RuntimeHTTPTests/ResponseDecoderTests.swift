import Testing

@testable import RuntimeHTTP

@Suite struct ResponseDecoderTests {
  @Test func `9112 4 - a status line has a version, a code and a reason, which may be empty`() {
    #expect(decode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") == ["200 OK", "hi", "end"])
    #expect(decode("HTTP/1.0 404 \r\nContent-Length: 0\r\n\r\n") == ["404 ", "end"])
  }

  @Test(arguments: [
    "HTTP/1.1 200\r\n", "HTTP/1.1  200 OK\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 099 OK\r\n", "HTTP/1.1 600 OK\r\n",
    "http/1.1 200 OK\r\n", "HTTP/1.1 200 O\u{1}K\r\n", "HTTP/2.0 200 OK\r\n", "\r\nHTTP/1.1 200 OK\r\n", "200 OK\r\n",
    "HTTP/1.1 +20 OK\r\n",
  ])
  func `9112 4 - a malformed status line is refused`(_ line: String) {
    #expect(decode(line + "Content-Length: 0\r\n\r\n").first?.hasPrefix("error") == true)
  }

  @Test func `9112 6_3 - chunks are decoded, and the trailers after them`() {
    let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX: y\r\n\r\n"
    #expect(decode(text) == ["200 OK", "abcde", "end X: y"])
  }

  @Test func `9112 6_3 - content without a length ends with the connection`() {
    #expect(decode("HTTP/1.1 200 OK\r\n\r\nto the end") == ["200 OK", "to the end", "end"])
    #expect(decode("HTTP/1.1 200 OK\r\n\r\n") == ["200 OK", "end"])
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    "HTTP/1.1 200 OK\r\n", "HTTP/1.1",
  ])
  func `9112 8 - a response that ends too early is incomplete`(_ text: String) {
    #expect(decode(text).last == "error The message is incomplete.")
  }

  @Test(
    arguments: [
      ("HEAD", "200 OK", "Content-Length: 5\r\n"), ("HEAD", "200 OK", "Transfer-Encoding: chunked\r\n"),
      ("HEAD", "200 OK", ""), ("GET", "304 Not Modified", "Content-Length: 5\r\n"), ("GET", "204 No Content", ""),
      ("GET", "103 Early Hints", ""), ("CONNECT", "200 OK", "Content-Length: 5\r\n"),
    ])
  func `9112 6_3 - some responses have no content, whatever their fields say`(
    _ method: String, _ line: String, _ fields: String
  ) {
    let next = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    let text = "HTTP/1.1 \(line)\r\n\(fields)\r\n" + next
    #expect(decode(text, to: method) == [line, "end", "200 OK", "end"])
  }

  @Test(arguments: [
    "204 No Content\r\nContent-Length: 0", "100 Continue\r\nTransfer-Encoding: chunked",
    "200 OK\r\nContent-Length: 1\r\nContent-Length: 1", "200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
    "200 OK\r\nContent-Length: -1", "200 OK\r\nTransfer-Encoding: gzip, chunked", "200 OK\r\nno field",
  ])
  func `9112 11_2 - a head that two clients might read differently is refused`(_ head: String) {
    #expect(decode("HTTP/1.1 \(head)\r\n\r\n").last?.hasPrefix("error") == true)
  }

  /// Decodes the same bytes whole and split at every place, and expects the same result each time.
  private func decode(
    _ text: String, to method: String = "GET", sourceLocation: SourceLocation = #_sourceLocation
  ) -> [String] {
    let bytes = Array(text.utf8)
    let whole = decode([bytes[...]], to: method)
    for cut in bytes.indices {
      let pieces = decode([bytes[..<cut], bytes[cut...]], to: method)
      #expect(pieces == whole, "cut at \(cut)", sourceLocation: sourceLocation)
    }
    return whole
  }

  private func decode(_ pieces: [ArraySlice<UInt8>], to method: String) -> [String] {
    var decoder = MessageDecoder<StatusLine>(limits: MessageLimits(startLine: 100, head: 1000, fields: 10))
    decoder.start.requestMethod = method == "HEAD" ? .head : method == "CONNECT" ? .connect : .get
    var told: [String] = []
    var content: [UInt8] = []
    do {
      // The last piece stands for the end of the connection.
      for piece in pieces.map(Array.init) + [[]] {
        if piece.isEmpty { try decoder.finish() }
        var position = 0
        decoding: while true {
          switch try decoder.next(piece.span, at: &position) {
          case .needsInput: break decoding
          case .head:
            told.append("\(decoder.start.status.code) " + String(decoding: decoder.start.reason, as: UTF8.self))
          case .body(let range): content += piece[range]
          case .end:
            if !content.isEmpty { told.append(String(decoding: content, as: UTF8.self)) }
            content = []
            told.append(decoder.trailers.isEmpty ? "end" : "end \(decoder.trailers)")
            decoder.beginNext()
          }
        }
      }
    } catch {
      told.append("error \(error.reason.map { "\($0)" } ?? "")")
    }
    return told
  }
}
