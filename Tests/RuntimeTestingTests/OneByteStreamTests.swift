import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

@Suite struct OneByteStreamTests {
  @Test func `Every read returns one byte, and the end stays the end`() async throws {
    let stream = OneByteStream(ScriptedStream("abc"))
    #expect(try await stream.read() == Array("a".utf8))
    #expect(try await stream.read(upTo: 0) == [])
    #expect(try await stream.read() == Array("b".utf8))
    #expect(try await stream.read() == Array("c".utf8))
    #expect(try await stream.read() == [])
  }

  @Test func everyWriteGoesByteByByte() async throws {
    let (a, b) = MemoryStream.pair(capacity: 0)
    let writing = Task.immediate {
      let bytes = Array("ab".utf8)
      try await OneByteStream(a).write(bytes.span.bytes, bytes.span.bytes)
      a.close()
    }
    for byte in "abab".utf8 { #expect(try await b.read() == [byte]) }
    try await writing.value
  }
}
