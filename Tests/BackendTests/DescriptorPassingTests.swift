import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Passing open files from one end of a Unix-domain connection to the other.
@Suite(.timeLimit(.minutes(10))) struct DescriptorPassingTests {
  /// Runs `body` with the two ends of a connection over a Unix-domain socket.
  private func withPair(
    _ variant: Variant, _ body: @escaping @Sendable (any DescriptorPassing, any DescriptorPassing) async throws -> Void
  ) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair(.unix(path: temporaryPath()))
      try await body(
        try #require(near as? any DescriptorPassing), try #require(far as? any DescriptorPassing))
      near.close()
      far.close()
    }
  }

  private func read(_ stream: any DescriptorPassing) async throws -> (bytes: [UInt8], descriptors: [Int32]) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
    defer { memory.deallocate() }
    var buffer = OutputRawSpan(buffer: memory, initializedCount: 0)
    var descriptors: [Int32] = []
    let count = try await stream.read(into: &buffer, descriptors: &descriptors)
    return (Array(memory.prefix(count)), descriptors)
  }

  @Test(arguments: Variant.all)
  func `A passed file is open at the receiver, even if the sender has closed it`(
    variant: Variant
  ) async throws {
    try await withPair(variant) { near, far in
      var pipe: [Int32] = [-1, -1]
      #expect(Glibc.pipe(&pipe) == 0)
      let reading = Task { try await read(far) }
      try await near.write("take it".utf8.span.bytes, passing: [pipe[1]])
      close(pipe[1])
      let (bytes, descriptors) = try await reading.value
      #expect(bytes == Array("take it".utf8))
      let passed = try #require(descriptors.first)
      #expect(descriptors.count == 1)
      #expect(fcntl(passed, F_GETFD) & FD_CLOEXEC != 0)
      #expect(Glibc.write(passed, "x", 1) == 1)
      close(passed)
      // That was the last writing end.
      var text = [UInt8](repeating: 0, count: 2)
      #expect(Glibc.read(pipe[0], &text, 2) == 1)
      #expect(Glibc.read(pipe[0], &text, 2) == 0)
      close(pipe[0])
    }
  }

  @Test(arguments: Variant.all)
  func `Many files are passed at once, and each stays with its bytes`(variant: Variant) async throws {
    try await withPair(variant) { near, far in
      let file = open("/dev/null", O_RDONLY)
      let writing = Task {
        try await near.write("a".utf8.span.bytes, passing: [Int32](repeating: file, count: 253))
        try await near.write("b".utf8.span.bytes)
        try await near.write("c".utf8.span.bytes, passing: [file])
        try await near.shutdownWrite()
      }
      var counts: [UInt8: Int] = [:]
      while true {
        let (bytes, descriptors) = try await read(far)
        guard let first = bytes.first else { break }
        counts[first, default: 0] += descriptors.count
        for descriptor in descriptors { close(descriptor) }
      }
      try await writing.value
      #expect(counts["a".utf8.first!] == 253)
      #expect(counts.values.reduce(0, +) == 254)
      close(file)
    }
  }

  @Test(arguments: Variant.all)
  func `A write that has to wait passes its files once the peer reads`(variant: Variant) async throws {
    try await withPair(variant) { near, far in
      // Until the socket is full: a single refusal may only mean that the turn is over.
      var written = 0
      for _ in 0..<1000 { written += try near.tryWrite([UInt8](repeating: 1, count: 1 << 16)) }
      let file = open("/dev/null", O_RDONLY)
      let writing = Task { try await near.write([UInt8](repeating: 2, count: 1 << 20).span.bytes, passing: [file]) }
      var (length, passed) = (0, 0)
      while length < written + 1 << 20 {
        let (bytes, descriptors) = try await read(far)
        #expect(descriptors.isEmpty || bytes.contains(2))
        length += bytes.count
        passed += descriptors.count
        for descriptor in descriptors { close(descriptor) }
      }
      try await writing.value
      #expect(length == written + 1 << 20)
      #expect(passed == 1)
      close(file)
    }
  }

  @Test(arguments: Backend.allCases)
  func `Writes that never wait give other tasks turns`(backend: Backend) async throws {
    try await backend.withRuntime(workers: 1) { runtime in
      let (near, far) = try await runtime.connectedPair(.unix(path: temporaryPath()))
      let writer = try #require(near as? any DescriptorPassing)
      let hasRun = Recorder<Int>()
      let isOvertaken = try await runtime.spawn {
        runtime.execute { hasRun.record(1) }
        // This many writes fit into the socket, and are more than a turn.
        for _ in 0..<100 { try await writer.write("x".utf8.span.bytes, passing: []) }
        return !hasRun.elements.isEmpty
      }.value
      #expect(isOvertaken)
      near.close()
      far.close()
    }
  }

  @Test(arguments: Variant.all)
  func `Too many files and invalid ones are refused`(variant: Variant) async throws {
    try await withPair(variant) { near, _ in
      await #expect(throws: IOError(.write, .system(EINVAL))) { try await near.write(RawSpan(), passing: [0]) }
      await #expect(throws: IOError(.write, .system(EINVAL))) {
        try await near.write("x".utf8.span.bytes, passing: [Int32](repeating: 0, count: 254))
      }
      await #expect(throws: IOError(.write, .system(EBADF))) {
        try await near.write("x".utf8.span.bytes, passing: [-1])
      }
      near.close()
      await #expect(throws: IOError(.write, .closed)) { try await near.write("x".utf8.span.bytes, passing: [0]) }
      await #expect(throws: IOError(.read, .closed)) { try await read(near) }
    }
  }
}
