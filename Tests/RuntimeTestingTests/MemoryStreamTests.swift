import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// `Task.immediate` returns when its task first suspends, so the operation in it already waits, without a sleep or a
/// race.
@Suite struct MemoryStreamTests {
  @Test func bytesWrittenToOneEndAreReadFromTheOtherInOrder() async throws {
    let (a, b) = MemoryStream.pair()
    try await a.write("one ")
    try await a.write("two")
    try await b.write("back")
    #expect(try await b.read() == Array("one two".utf8))
    #expect(try await a.read() == Array("back".utf8))
  }

  @Test func `A read takes no more than its buffer holds, and leaves the rest`() async throws {
    let (a, b) = MemoryStream.pair()
    try await a.write("abcdef")
    #expect(try await b.read(upTo: 2) == Array("ab".utf8))
    #expect(try await b.read(upTo: 0) == [])
    #expect(try await b.read(upTo: 9) == Array("cdef".utf8))
  }

  @Test func `A write wakes a waiting reader`() async throws {
    let (a, b) = MemoryStream.pair()
    let readable = Task.immediate { try await b.waitUntilReadable() }
    try await a.write("x")
    try await readable.value
    #expect(try await b.read() == Array("x".utf8))
    let reading = Task.immediate { try await b.read() }
    try await a.write("y")
    #expect(try await reading.value == Array("y".utf8))
  }

  @Test func `A write beyond the capacity waits until the reader makes room`() async throws {
    let (a, b) = MemoryStream.pair(capacity: 4)
    try await a.write("abcd")
    let writing = Task.immediate { try await a.write("efgh") }
    await expect(.busy) { try await a.write("!") }
    #expect(try await b.read() == Array("abcd".utf8))
    try await writing.value
    #expect(try await b.read() == Array("efgh".utf8))
  }

  @Test func aReaderNeverSeesMoreThanTheCapacityAtOnce() async throws {
    let (a, b) = MemoryStream.pair(capacity: 1)
    let writing = Task.immediate { try await a.write("abc") }
    #expect(try await b.read() == Array("a".utf8))
    #expect(try await b.read() == Array("b".utf8))
    try await writing.value
    #expect(try await b.read() == Array("c".utf8))
  }

  @Test func `Without capacity, a write ends when all of it has been read`() async throws {
    let (a, b) = MemoryStream.pair(capacity: 0)
    let writing = Task.immediate { try await a.write("ab") }
    #expect(try await b.read(upTo: 1) == Array("a".utf8))
    await expect(.busy) { try await a.write("!") }
    #expect(try await b.read(upTo: 1) == Array("b".utf8))
    try await writing.value
  }

  @Test func anEmptyWriteDoesNotWait() async throws {
    let (a, _) = MemoryStream.pair(capacity: 0)
    try await a.write("")
  }

  @Test func twoSpansAreWrittenAsOne() async throws {
    let (a, b) = MemoryStream.pair()
    let (head, body) = (Array("head ".utf8), Array("body".utf8))
    try await a.write(head.span.bytes, body.span.bytes)
    #expect(try await b.read() == Array("head body".utf8))
  }

  @Test func `Bytes written before the end are read before the end`() async throws {
    let (a, b) = MemoryStream.pair()
    try await a.write("last")
    try a.shutdownWrite()
    #expect(try await b.readToEnd() == Array("last".utf8))
    #expect(try await b.read() == [])
    try await b.waitUntilReadable()
  }

  @Test func oneDirectionEndsWithoutTheOther() async throws {
    let (a, b) = MemoryStream.pair()
    let reading = Task.immediate { try await b.read() }
    try a.shutdownWrite()
    #expect(try await reading.value == [])
    await expect(.system(EPIPE)) { try await a.write("x") }
    try await b.write("still")
    #expect(try await a.read() == Array("still".utf8))
  }

  @Test func `Closing wakes waiting readers and writers`() async throws {
    let (a, _) = MemoryStream.pair(capacity: 0)
    let reading = Task.immediate { try await a.read() }
    let writing = Task.immediate { try await a.write("x") }
    a.close()
    a.close()
    await expect(.closed) { _ = try await reading.value }
    await expect(.closed) { try await writing.value }
    await expect(.closed) { try await a.waitUntilReadable() }
    await expect(.closed) { try await a.write("") }
    #expect(throws: IOError(.shutdown, .closed)) { try a.shutdownWrite() }
  }

  @Test func afterThePeerHasClosedReadingEndsAndWritingFails() async throws {
    let (a, b) = MemoryStream.pair(capacity: 4)
    try await b.write("rest")
    let writing = Task.immediate { try await a.write("too long") }
    b.close()
    await expect(.system(EPIPE)) { try await writing.value }
    await expect(.system(EPIPE)) { try await a.write("x") }
    #expect(try await a.readToEnd() == Array("rest".utf8))
  }

  @Test func `A cancelled write leaves only the bytes that fitted`() async throws {
    let (a, b) = MemoryStream.pair(capacity: 2)
    let writing = Task.immediate { try await a.write("abcd") }
    writing.cancel()
    await expect(.cancelled) { try await writing.value }
    try a.shutdownWrite()
    #expect(try await b.readToEnd() == Array("ab".utf8))
  }

  @Test func `Cancelling ends a waiting read, which takes nothing`() async throws {
    let (a, b) = MemoryStream.pair()
    let waiting = Task.immediate { try await b.waitUntilReadable() }
    waiting.cancel()
    await expect(.cancelled) { try await waiting.value }
    let reading = Task.immediate { try await b.read() }
    reading.cancel()
    await expect(.cancelled) { _ = try await reading.value }
    try await a.write("x")
    #expect(try await b.read() == Array("x".utf8))
  }

  @Test func `Operations that need not wait succeed in a cancelled task`() async throws {
    let (a, b) = MemoryStream.pair()
    let task = Task.immediate {
      withUnsafeCurrentTask { $0?.cancel() }
      try await a.write("x")
      try await b.waitUntilReadable()
      #expect(try await b.read() == Array("x".utf8))
      await expect(.cancelled) { _ = try await b.read() }
    }
    try await task.value
  }

  @Test func `A second reader is refused, and the first goes on`() async throws {
    let (a, b) = MemoryStream.pair()
    let reading = Task.immediate { try await b.read() }
    await expect(.busy) { _ = try await b.read() }
    await expect(.busy) { try await b.waitUntilReadable() }
    try await a.write("x")
    #expect(try await reading.value == Array("x".utf8))
  }

  @Test(arguments: [0, 1, 7, 4096])
  func aMegabyteGoesThroughBothWaysAtOnce(capacity: Int) async throws {
    let (a, b) = MemoryStream.pair(capacity: capacity)
    let bytes = (0..<(capacity == 1 ? 20_000 : 1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for (from, to) in [(a, b), (b, a)] {
        group.addTask {
          for start in stride(from: 0, to: bytes.count, by: 1000) {
            try await from.write(Array(bytes[start..<min(start + 1000, bytes.count)]))
          }
          try from.shutdownWrite()
          return true
        }
        group.addTask { try await to.readToEnd() == bytes }
      }
      for try await isEqual in group { #expect(isEqual) }
    }
  }

  @Test func readsRacingWithCancellationLoseNothing() async throws {
    let (a, b) = MemoryStream.pair(capacity: 3)
    let bytes = (0..<2000).map { UInt8(truncatingIfNeeded: $0) }
    let writing = Task { try await a.write(bytes) }
    var got: [UInt8] = []
    while got.count < bytes.count {
      let reading = Task { try await b.read() }
      Task { reading.cancel() }
      switch await reading.result {
      case .success(let some): got += some
      case .failure(let error): #expect(error as? IOError == IOError(.read, .cancelled))
      }
    }
    try await writing.value
    #expect(got == bytes)
  }
}

/// Expects `operation` to fail with an ``IOError`` for `reason`.
func expect(
  _ reason: IOError.Reason, sourceLocation: SourceLocation = #_sourceLocation, _ operation: () async throws -> Void
) async {
  do {
    try await operation()
    Issue.record("no error", sourceLocation: sourceLocation)
  } catch {
    #expect((error as? IOError)?.reason == reason, sourceLocation: sourceLocation)
  }
}
