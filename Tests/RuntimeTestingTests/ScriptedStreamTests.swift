import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

@Suite struct ScriptedStreamTests {
  @Test func `It returns its chunks one at a time, and then the end`() async throws {
    let stream = ScriptedStream([Array("abc".utf8), [], Array("d".utf8)])
    try await stream.waitUntilReadable()
    #expect(try await stream.read(upTo: 2) == Array("ab".utf8))
    #expect(try await stream.read() == Array("c".utf8))
    #expect(try await stream.read() == Array("d".utf8))
    #expect(try await stream.read() == [])
  }

  @Test func `It records written bytes`() async throws {
    let stream = ScriptedStream("")
    try await stream.write("one, ")
    try await stream.write("two")
    #expect(stream.writtenText == "one, two")
    try stream.shutdownWrite()
    #expect(stream.hasFinishedWriting && !stream.isClosed)
    await expect(.system(EPIPE)) { try await stream.write("three") }
  }

  @Test func `A closed stream refuses every operation`() async throws {
    let stream = ScriptedStream("abc")
    stream.close()
    #expect(stream.isClosed)
    await expect(.closed) { _ = try await stream.read() }
    await expect(.closed) { try await stream.waitUntilReadable() }
    await expect(.closed) { try await stream.write("x") }
    #expect(throws: IOError(.shutdown, .closed)) { try stream.shutdownWrite() }
  }
}
