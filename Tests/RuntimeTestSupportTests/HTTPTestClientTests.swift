import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

@Suite struct HTTPTestClientTests {
  @Test(arguments: [false, true])
  func itReadsResponsesOneAfterTheOther(byteByByte: Bool) async throws {
    let text = """
      HTTP/1.1 100 Continue\r\n\r\n\
      HTTP/1.1 200 OK\r\nX: 1\r\ncontent-length: 5\r\nx:2\r\n\r\nhello\
      HTTP/1.1 204 No Content\r\n\r\n\
      HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: t\r\n\r\n\
      HTTP/1.0 200 \r\n\r\nto the end
      """
    let chunks = byteByByte ? text.utf8.map { [$0] } : [Array(text.utf8)]
    let client = HTTPTestClient(ScriptedStream(chunks))

    #expect(try await client.readResponse().status == 100)
    let hello = try await client.readResponse()
    #expect(hello.reason == "OK" && hello.text == "hello")
    #expect(hello["Content-Length"] == "5")
    #expect(hello.values(of: "x") == ["1", "2"])
    #expect(try await client.readResponse().status == 204)
    let chunked = try await client.readResponse()
    #expect(chunked.text == "abc0123456789")
    #expect(chunked.trailers.map(\.value) == ["t"])
    let last = try await client.readResponse()
    #expect(last.version == "HTTP/1.0" && last.text == "to the end")
    await #expect(throws: TestClientError.endOfStream) { _ = try await client.readResponse() }
  }

  @Test func theResponseToHeadHasNoBody() async throws {
    let stream = ScriptedStream("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
    let client = HTTPTestClient(stream)
    #expect(try await client.request("HEAD", "/x", "A: b").body == [])
    #expect(stream.writtenText == "HEAD /x HTTP/1.1\r\nHost: localhost\r\nA: b\r\n\r\n")
    #expect(try await client.get("/").status == 204)
  }

  @Test(arguments: [
    "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", "HTTP/1.1 OK\r\n\r\n",
  ])
  func itRefusesWhatNoServerMaySend(text: String) async throws {
    let client = HTTPTestClient(ScriptedStream(text))
    await #expect(throws: TestClientError.self) { _ = try await client.readResponse() }
  }
}
