import Glibc
import Runtime
import RuntimeTLS
import RuntimeTesting
import Testing

@Suite(.timeLimit(.minutes(3))) struct StreamTests {
  @Test(arguments: Carrier.allCases, [TLSVersion.v1_2, .v1_3])
  func `Both ends read while they write`(carrier: Carrier, version: TLSVersion) async throws {
    let ends = try Ends(carrier, client: .client { $0.maximumVersion = version })
    let bytes = pattern(carrier == .whole ? 3_000_001 : 40_001)
    let arrived = try await withThrowingTaskGroup(of: [UInt8].self) { group in
      for stream in [ends.client, ends.server] {
        group.addTask { try await stream.readAll() }
        group.addTask {
          try await stream.write(bytes)
          try await stream.shutdownWrite()
          return []
        }
      }
      return try await group.reduce(into: [[UInt8]]()) { if !$1.isEmpty { $0.append($1) } }
    }
    #expect(arrived.count == 2 && arrived.allSatisfy { $0 == bytes })
  }

  @Test func `A write of two spans writes them in order, whatever their sizes`() async throws {
    let ends = try await Ends.established()
    let bytes = pattern(200_001)
    let sizes = [0, 1, 100, 70_000, 200_001]
    async let all = ends.server.readAll()
    for size in sizes {
      try await ends.client.write(
        bytes.span.bytes.extracting(first: size), bytes.span.bytes.extracting(droppingFirst: size))
    }
    try await ends.client.shutdownWrite()
    #expect(try await all == sizes.flatMap { _ in bytes })
  }

  @Test func `A small buffer is filled from a record repeatedly, and the rest is pending`() async throws {
    let ends = try await Ends.established()
    try await ends.client.write("hello")
    #expect(try await ends.server.read(upTo: 2) == Array("he".utf8))
    #expect(ends.server.attribute(PendingInput.self)?.isThere == true)
    try await ends.server.waitUntilReadable()
    #expect(try await ends.server.read(upTo: 16) == Array("llo".utf8))
    #expect(ends.server.attribute(PendingInput.self)?.isThere == false)
    #expect(ends.server.attribute(PeerPresence.self) == .present)
  }

  // MARK: The end

  @Test func `An end reads the last bytes of the other, and can still answer`() async throws {
    let ends = try await Ends.established()
    try await ends.client.write("last words")
    try await ends.client.shutdownWrite()
    #expect(try await ends.server.readAll() == Array("last words".utf8))
    #expect(ends.server.attribute(PeerPresence.self) == .finished)
    try await ends.server.write("still there")
    #expect(try await ends.client.readText(11) == "still there")
    await ends.server.closeAndWait()
    #expect(try await ends.client.read() == [])
    #expect(try await ends.client.read() == [])
    let error = await #expect(throws: IOError.self) { try await ends.client.write("x") }
    #expect(error == IOError(.write, .system(EPIPE)))
  }

  @Test func `A truncated connection is not the end of the stream`() async throws {
    let ends = try await Ends.established()
    try await ends.client.write("some")
    ends.client.close()
    #expect(try await ends.server.readText(4) == "some")
    for _ in 0..<2 {
      let error = await #expect(throws: IOError.self) { _ = try await ends.server.read() }
      #expect(error?.operation == .read && error?.failure?.isTruncation == true)
    }
    try await ends.server.waitUntilReadable()
  }

  @Test func `A truncated or changed record is an error, and ends both directions`() async throws {
    let pair = Carrier.whole.pair()
    let ends = try Ends(pair, source: TLSSource(.server { $0.ticketKeyLifetime = nil }), context: TLSContext(.client()))
    try await ends.performHandshake()
    // Not encrypted, as an attacker would inject it into the connection.
    try await pair.0.write([0x17, 3, 3, 0, 32] + pattern(32))
    let error = await #expect(throws: IOError.self) { _ = try await ends.server.read() }
    #expect(error?.failure?.alert?.code == 20 && error?.failure?.isTruncation == false)
    let writing = await #expect(throws: IOError.self) { try await ends.server.write("x") }
    #expect(writing?.operation == .write && writing?.failure?.alert?.code == 20)
    // The end has sent the alert without a further call.
    let told = await #expect(throws: IOError.self) { _ = try await ends.client.read() }
    #expect(told?.failure?.alert?.code == 20 && told?.failure?.alert?.isFromPeer == true)
  }

  @Test func `Closing wakes readers, and closes the base stream`() async throws {
    let pair = Carrier.whole.pair()
    let ends = try Ends(pair, source: TLSSource(.server()), context: TLSContext(.client()))
    try await ends.performHandshake()
    let reading = Task { try await ends.server.read() }
    ends.server.close()
    let error = await #expect(throws: IOError.self) { _ = try await reading.value }
    #expect(error == IOError(.read, .closed))
    await #expect(throws: IOError(.read, .closed)) { _ = try await pair.1.read() }
    await #expect(throws: IOError(.write, .closed)) { try await ends.server.write("x") }
    await #expect(throws: IOError(.shutdown, .closed)) { try await ends.server.shutdownWrite() }
  }

  @Test(arguments: Backend.allCases)
  func `A client that closes without reading loses none of its writes`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      func check(_ runtime: some AsyncRuntime) async throws {
        let (source, context) = (try TLSSource(.server()), try TLSContext(.client()))
        let listener = TLSListener(try await runtime.listen(on: .loopback(port: 0)), source: source)
        for _ in 0..<20 {
          let reading = runtime.spawn { try await listener.accept().readAll() }
          let client = try TLSStream(
            client: try await runtime.connect(to: listener.localAddress), name: "localhost", context: context)
          try await client.handshake()
          // The tickets have arrived by then.
          try await client.base.waitUntilReadable()
          try await client.write(pattern(100_000))
          await client.closeAndWait()
          #expect(try await reading.value == pattern(100_000))
        }
        listener.close()
      }
      try await check(runtime)
    }
  }

  @Test func `Of two concurrent writes one fails as busy, and so does one of two reads`()
    async throws
  {
    let ends = try await Ends.established()
    let block = [UInt8](repeating: 7, count: 1 << 20)
    let (writing, reading) = (Task { try await ends.client.write(block) }, Task { try await ends.client.read() })
    // The writing task has started once input is pending at the peer.
    while ends.server.attribute(PendingInput.self)?.isThere != true { await Task.yield() }
    await #expect(throws: IOError(.write, .busy)) { try await ends.client.write("x") }
    #expect(throws: IOError(.write, .busy)) { _ = try ends.client.tryWrite("x".utf8.span.bytes) }
    await #expect(throws: IOError(.shutdown, .busy)) { try await ends.client.shutdownWrite() }
    #expect(try await ends.server.read(exactly: block.count) == block)
    try await writing.value
    try await ends.server.write("x")
    #expect(try await reading.value == Array("x".utf8))
  }

  @Test func `A cancelled close does not wait for a peer that reads nothing`() async throws {
    let ends = try await Ends.established(.whole)
    let block = [UInt8](repeating: 7, count: 1 << 20)
    while try ends.client.tryWrite(block.span.bytes) > 0 {}
    let closing = Task { await ends.client.closeAndWait() }
    closing.cancel()
    await closing.value
    await #expect(throws: IOError(.read, .closed)) { _ = try await ends.client.read() }
  }

  // MARK: Plain calls

  @Test func `Plain reads and writes never wait`() async throws {
    let ends = try Ends()
    // Plain calls do nothing before the handshake.
    #expect(try ends.client.tryWrite("x".utf8.span.bytes) == 0)
    try await ends.performHandshake()
    #expect(try tryRead(ends.server) == nil)
    #expect(try ends.client.tryWrite("hello".utf8.span.bytes) == 5)
    #expect(try tryRead(ends.server) == Array("hello".utf8))
    #expect(try tryRead(ends.server) == nil)
    try await ends.client.shutdownWrite()
    #expect(try tryRead(ends.server) == [])
  }

  @Test func `Bytes that a plain write has encrypted start the next write, and arrive once`() async throws {
    let ends = try await Ends.established()
    let bytes = pattern(1_000_003)
    var written = 0
    while written < bytes.count {
      let count = try ends.client.tryWrite(bytes.span.extracting(written...).bytes)
      if count == 0 { break }
      written += count
    }
    #expect(written < bytes.count)
    async let all = ends.server.readAll()
    // The rest, first in small pieces, some of which are already encrypted.
    while written < 500_000 {
      written += try await ends.client.writeSome(bytes.span.extracting(written..<written + 1000).bytes)
    }
    try await ends.client.write(bytes.span.extracting(written...).bytes)
    try await ends.client.shutdownWrite()
    #expect(try await all == bytes)
  }

  @Test func `A cancelled writeSome counts encrypted bytes as written`() async throws {
    let ends = try await Ends.established(.narrow, server: .server { $0.ticketKeyLifetime = nil })
    let bytes = pattern(100)
    let writing = Task { try await ends.client.writeSome(bytes.span.bytes) }
    for _ in 0..<100 { await Task.yield() }
    writing.cancel()
    let count = (try? await writing.value) ?? 0
    async let all = ends.server.readAll()
    try await ends.client.write("!")
    try await ends.client.shutdownWrite()
    #expect(try await all == bytes.prefix(count) + Array("!".utf8))
  }

  private func tryRead(_ stream: some ByteStream) throws -> [UInt8]? {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 1)
    defer { memory.deallocate() }
    var buffer = OutputRawSpan(buffer: memory, initializedCount: 0)
    return try stream.tryRead(into: &buffer).map { Array(memory.prefix($0)) }
  }
}
