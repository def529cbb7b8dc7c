import Testing

@testable import RuntimeHTTP

/// The encoding of requests; `ResponseEncoderTests` covers responses.
@Suite struct MessageEncoderTests {
  private func encode(
    _ method: RuntimeHTTP.Method, _ fields: HeaderFields, length: Int?, _ chunks: String...,
    trailers: HeaderFields = [:]
  ) throws -> String {
    var encoder = MessageEncoder()
    var output = ByteBuffer(capacity: 8)
    encoder.appendHead(method, "/x", fields, contentLength: length, into: &output)
    encoder.trailers = trailers
    for chunk in chunks {
      try encoder.beginContent(chunk.utf8.count, into: &output)
      output.append(Array(chunk.utf8).span)
      encoder.endContent(into: &output)
    }
    try encoder.finish(into: &output)
    return String(decoding: output.contents, as: UTF8.self)
  }

  @Test func `the encoder sets the framing fields of a request`() throws {
    let fields: HeaderFields = ["Host": "a", "Content-Length": "7", "Transfer-Encoding": "gzip", "X": "y"]
    #expect(try encode(.get, fields, length: 0) == "GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n")
    #expect(
      try encode(.put, fields, length: 5, "he", "llo")
        == "PUT /x HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 5\r\n\r\nhello")
    #expect(
      try encode(.post, fields, length: nil, "he", "llo", trailers: ["T": "t", "Host": "b"])
        == "POST /x HTTP/1.1\r\nHost: a\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "2\r\nhe\r\n3\r\nllo\r\n0\r\nT: t\r\n\r\n")
  }

  @Test func `more content than declared is refused, and so is less`() {
    #expect(throws: BodyError.wrongLength) { try encode(.put, [:], length: 1, "ab") }
    #expect(throws: BodyError.wrongLength) { try encode(.put, [:], length: 3, "ab") }
  }
}
