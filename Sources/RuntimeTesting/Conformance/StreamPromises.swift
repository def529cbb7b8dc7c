import Glibc
import Runtime
import RuntimePrimitives

extension RuntimeConformance {
  static let streams: [Case] = [
    Case("Each end reads what the other writes", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      try await near.write("there")
      try await expect("what the far end reads", toGive: Array("there".utf8)) { try await far.read(exactly: 5) }
      try await far.write("and back")
      try await expect("what the near end reads", toGive: Array("and back".utf8)) {
        try await near.read(exactly: 8)
      }
    },

    Case("Closing one direction does not affect the other", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      try await near.write("last words")
      try await near.shutdownWrite()
      try await expect("what the peer reads to the end", toGive: Array("last words".utf8)) {
        try await far.readToEnd()
      }
      try await expect("what it writes afterwards", toGive: Array("still there".utf8)) {
        try await far.write("still there")
        return try await near.read(exactly: 11)
      }
    },

    Case("After the end every read returns 0", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      try await near.shutdownWrite()
      for _ in 0..<3 {
        try await expect("a read after the end", toGive: []) { try await far.read() }
        try await expectEnd(of: "waitUntilReadable after the end") { try await far.waitUntilReadable() }
        try await expectEnd(of: "waitUntilReadableOrClosed after the end") { try await far.waitUntilReadableOrClosed() }
        let seen = try far.tryRead()
        try expect("tryRead after the end", toBe: "nil or 0 bytes", seen?.isEmpty ?? true, saw: "\(seen ?? [])")
      }
    },

    Case("A read returns 0 bytes only at the end, and otherwise waits", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      for round in 0..<300 {
        let reader = runtime.spawn { try await far.read() }
        for _ in 0..<round % 4 { await Task.yield() }
        try await near.write([UInt8(truncatingIfNeeded: round)])
        try await expect("what the reader gets", toGive: [UInt8(truncatingIfNeeded: round)]) {
          try await reader.value
        }
      }
    },

    Case("A read takes no more than the buffer has room for, and leaves the rest", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let bytes = Array("abcdefghijklmnopqrstuvwxyz".utf8)
      try await near.write(bytes)
      try await near.shutdownWrite()
      var all: [UInt8] = []
      while true {
        let some = try await expectEnd(of: "a read of up to 4 bytes") { try await far.read(upTo: 4) }
        try expect("the number of bytes read", toBe: "at most 4 bytes", some.count <= 4, saw: "\(some.count)")
        if some.isEmpty { break }
        all += some
      }
      try expect("what was read, 4 bytes at a time", all, is: bytes)
    },

    Case("A read appends to the buffer and returns the number of bytes", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      try await near.write("xyz")
      try await far.waitUntilReadable()
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 1)
      defer { memory.deallocate() }
      memory.copyBytes(from: "abc".utf8)
      var buffer = OutputRawSpan(buffer: memory, initializedCount: 3)
      let count = try await far.read(into: &buffer)
      try expect("the returned number of bytes", toBe: "1 to 3", (1...3).contains(count), saw: "\(count)")
      try expect("how many bytes the buffer holds", buffer.byteCount, is: 3 + count)
      try expect("what the buffer holds", Array(memory.prefix(3 + count)), is: Array("abcxyz".utf8.prefix(3 + count)))
    },

    Case("A read into a full buffer returns 0 at once and consumes nothing", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      try await expect("such a read with no byte available", toGive: []) { try await far.read(upTo: 0) }
      try await near.write("x")
      try await far.waitUntilReadable()
      try await expect("such a read with a byte available", toGive: []) { try await far.read(upTo: 0) }
      try await expect("the read after it", toGive: Array("x".utf8)) { try await far.read() }
    },

    Case("Writing no bytes has no effect", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let reader = runtime.spawn { try await far.read() }
      for _ in 0..<10 {
        try await expectEnd(of: "a write of no bytes") { try await near.write([]) }
        try expect("tryWrite of no bytes", try near.tryWrite([]), is: 0)
      }
      try await near.write("x")
      try await expect("the read that waited meanwhile", toGive: Array("x".utf8)) { try await reader.value }
    },

    Case("Many small writes arrive completely and in order", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let writer = runtime.spawn {
        for number in 0..<2000 { try await near.write("\(number) ") }
        try await near.shutdownWrite()
      }
      let expected = (0..<2000).map { "\($0) " }.joined()
      try await expect("all that was written", toGive: Array(expected.utf8)) { try await far.readToEnd() }
      try await expectEnd(of: "the writer") { try await writer.value }
    },

    Case("A write of two spans writes them in order, whatever their sizes", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let bytes = pattern(300_001)
      let sizes = [0, 1, 1000, 300_000, 300_001]
      let writer = runtime.spawn {
        for size in sizes {
          try await near.write(
            bytes.span.bytes.extracting(first: size), bytes.span.bytes.extracting(droppingFirst: size))
        }
        try await near.shutdownWrite()
      }
      try await expect("all that was written", toGive: sizes.flatMap { _ in bytes }) { try await far.readToEnd() }
      try await expectEnd(of: "the writer") { try await writer.value }
    },

    Case("Megabytes go both ways at once through one stream", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let bytes = pattern(1_000_003)
      let writers = [near, far].map { stream in
        runtime.spawn {
          try await stream.write(bytes)
          try await stream.shutdownWrite()
        }
      }
      let readers = [near, far].map { stream in runtime.spawn { try await stream.readToEnd() } }
      for writer in writers { try await expectEnd(of: "a writer of a megabyte") { try await writer.value } }
      for reader in readers { try await expect("a megabyte", toGive: bytes) { try await reader.value } }
    },

    Case("A write waits while the peer does not read", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let (block, count) = ([UInt8](repeating: 7, count: 1 << 20), 64)
      let progress = Box(Lock(0))
      let writer = runtime.spawn {
        for _ in 0..<count {
          try await near.write(block)
          progress.value.withLock { $0 += 1 }
        }
        near.close()
      }
      // Until there is no more progress.
      var last = -1
      while true {
        let now = progress.value.withLock { $0 }
        if now == last { break }
        last = now
        try await runtime.clock.sleep(for: .milliseconds(50))
      }
      try expect("megabytes written to a peer that reads nothing", toBe: "less than 64", last < count, saw: "\(last)")
      try await expect("what the peer reads then", toGive: count << 20) { try await countToEnd(far) }
      try await expectEnd(of: "the writer") { try await writer.value }
    },

    Case("waitUntilReadable waits for bytes and consumes none", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      for round in 0..<50 {
        let reader = runtime.spawn {
          if round % 2 == 0 { try await far.waitUntilReadable() } else { try await far.waitUntilReadableOrClosed() }
          try await far.waitUntilReadable()
          return try await far.read(upTo: 1)
        }
        for _ in 0..<round % 4 { await Task.yield() }
        try await near.write("ab")
        try await expect("the first byte", toGive: Array("a".utf8)) { try await reader.value }
        try await expectEnd(of: "waitUntilReadable with something to read") { try await far.waitUntilReadable() }
        try await expect("the second byte", toGive: Array("b".utf8)) { try await far.read() }
      }
    },

    Case("tryRead returns the available bytes, and nil rather than 0 if there are none", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      try expect("tryRead where nothing has been sent", try far.tryRead(), is: nil)
      for _ in 0..<20 {
        try await near.write("hello")
        try await far.waitUntilReadable()
        // `nil` is always allowed: "if the stream cannot read without waiting, or cannot tell".
        var seen: [UInt8] = []
        while seen.count < 5 {
          let some = if let some = try far.tryRead() { some } else { try await far.read() }
          try expect("tryRead where there is something", toBe: "nil or more than 0 bytes", !some.isEmpty, saw: "0")
          seen += some
        }
        try expect("what tryRead and, after nil, read have read", seen, is: Array("hello".utf8))
        try expect("tryRead when all has been read", try far.tryRead(), is: nil)
      }
    },

    Case("A loop of waitUntilReadable and tryRead reads everything", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let bytes = pattern(3000)
      try await near.write(bytes)
      try await expectLoop(reading: bytes, from: far) {
        try await expectEnd(of: "waitUntilReadable with something to read") { try await far.waitUntilReadable() }
      }
    },

    Case("A loop of tryRead and sleeps reads everything", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let bytes = pattern(3000)
      try await near.write(bytes)
      try await expectLoop(reading: bytes, from: far) { try await runtime.clock.sleep(for: .milliseconds(1)) }
    },

    Case("A loop of tryWrite and sleeps writes everything", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let bytes = pattern(3000)
      let reading = runtime.spawn { try await far.readToEnd() }
      var written = 0
      var roundsInVain = 0
      while written < bytes.count, roundsInVain < 1000 {
        while written < bytes.count, try near.tryWrite(CollectionOfOne(bytes[written])) == 1 {
          written += 1
          roundsInVain = 0
        }
        roundsInVain += 1
        try await runtime.clock.sleep(for: .milliseconds(1))
      }
      try await near.shutdownWrite()
      try await expect("what the peer reads", toGive: Array(bytes[..<written])) { try await reading.value }
      // A stream without plain writes returns 0 from the first call on.
      if written > 0 { try expect("how many bytes the loop writes", written, is: bytes.count) }
    },

    Case("tryWrite writes the prefix that it reports, and stops when it would have to wait", .streams) {
      runtime in
      let (near, far) = try await runtime.connectedPair()
      let bytes = pattern(1 << 20)
      var (written, rest): ([UInt8], [UInt8]) = ([], bytes)
      while written.count < 64 << 20 {
        let count = try near.tryWrite(rest)
        try expect("the returned count", toBe: "0 to \(rest.count)", (0...rest.count).contains(count), saw: "\(count)")
        if count == 0 { break }
        written += rest.prefix(count)
        rest = count == rest.count ? bytes : Array(rest.dropFirst(count))
      }
      try expect(
        "megabytes written to a peer that reads nothing", toBe: "less than 64", written.count < 64 << 20, saw: "64")
      let reading = runtime.spawn { try await far.readToEnd() }
      // The bytes that were not accepted begin the next write.
      try await near.write(rest)
      try await near.shutdownWrite()
      try await expect("what the peer reads", toGive: written + rest) { try await reading.value }
    },

    Case("Of two concurrent reads, one fails as busy and the other completes", .streams) { runtime in
      for _ in 0..<20 {
        let (near, far) = try await runtime.connectedPair()
        let first = try await firstToEnd(on: runtime, "one of two readers") { try await far.read() }
        try await expect("the reader that ends first", toThrow: IOError(.read, .busy)) { try first.result.get() }
        try await near.write("x")
        try await expect("what the other reads", toGive: Array("x".utf8)) { try await first.other.value }
      }
    },

    Case("Of two concurrent writes, one fails as busy and the other completes", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let block = [UInt8](repeating: 7, count: 64 << 20)
      let first = try await firstToEnd(on: runtime, "one of two writers") { try await near.write(block) }
      try await expect("the writer that ends first", toThrow: IOError(.write, .busy)) { try first.result.get() }
      let reader = runtime.spawn { try await countToEnd(far) }
      try await expectEnd(of: "the other, once the peer reads") { try await first.other.value }
      near.close()
      let count = try await expectEnd(of: "the reader") { try await reader.value }
      try expect("what the peer reads", toBe: "all of the other's bytes", count >= block.count, saw: "\(count)")
    },

    Case("One task may read while another writes", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let reader = runtime.spawn { try await near.read(exactly: 7) }
      let writer = runtime.spawn { try await near.write("to far") }
      try await expect("what the peer reads", toGive: Array("to far".utf8)) { try await far.read(exactly: 6) }
      try await expectEnd(of: "the writer") { try await writer.value }
      try await far.write("to near")
      try await expect("what the reader gets", toGive: Array("to near".utf8)) { try await reader.value }
    },

    Case("Writing to a peer that has closed fails with an error, not a signal", .streams) { runtime in
      let (near, far) = try await runtime.connectedPair()
      far.close()
      try await expect("writing again and again", toBeRefused: .write, with: [EPIPE, ECONNRESET]) {
        for _ in 0..<10_000 {
          try await near.write([UInt8](repeating: 0, count: 4096))
          await Task.yield()
        }
      }
    },
  ]

  /// Runs `body` twice concurrently, and waits for the first to end.
  static func firstToEnd<Success: Sendable>(
    on runtime: any AsyncRuntime, _ subject: String, _ body: @escaping @Sendable () async throws -> Success
  ) async throws -> (result: Result<Success, any Error>, other: Task<Success, any Error>) {
    let tasks = (0..<2).map { _ in runtime.spawn(body) }
    return try await expectEnd(of: subject) {
      // A task group would wait for the second child, since waiting for a task's value cannot be cancelled. Hence the
      // stream.
      let (ends, end) = AsyncStream.makeStream(of: Int.self)
      for (number, task) in tasks.enumerated() {
        runtime.execute {
          _ = await task.result
          end.yield(number)
        }
      }
      let number = await ends.first { _ in true } ?? 0
      return (await tasks[number].result, tasks[1 - number])
    }
  }
}

/// Returns bytes with a pattern in which missing bytes are noticed.
func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) } }

extension ByteStream {
  /// Reads `count` bytes, or fewer if the peer finishes before.
  func read(exactly count: Int) async throws(IOError) -> [UInt8] {
    var all: [UInt8] = []
    while all.count < count {
      let some = try await read(upTo: count - all.count)
      if some.isEmpty { break }
      all += some
    }
    return all
  }
}

/// Reads to the end, and returns the number of bytes.
func countToEnd(_ stream: any ByteStream) async throws(IOError) -> Int {
  var count = 0
  while true {
    let some = try await stream.read(upTo: 1 << 18).count
    if some == 0 { return count }
    count += some
  }
}

/// Checks that a loop of `wait` and `tryRead` reads all of `bytes` from `stream`. The bytes must have arrived.
private func expectLoop(
  reading bytes: [UInt8], from stream: some ByteStream, waiting wait: () async throws -> Void
) async throws {
  var seen: [UInt8] = []
  var roundsInVain = 0
  // `tryRead` may return `nil` occasionally although there are bytes, but not forever.
  while seen.count < bytes.count, roundsInVain < 1000 {
    try await wait()
    roundsInVain += 1
    while let some = try stream.tryRead(upTo: 1) {
      seen += some
      roundsInVain = 0
    }
  }
  // A stream without plain reads returns `nil` from the first call on.
  if !seen.isEmpty { try expect("what the loop reads", seen, is: bytes) }
}
