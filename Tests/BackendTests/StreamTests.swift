import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// A backend and a way to wait for sockets.
struct Variant: Sendable, Codable, CustomTestStringConvertible {
  let backend: Backend
  let poller: PollerKind

  static let all = Backend.allCases.flatMap { backend in
    PollerKind.allCases.map { Variant(backend: backend, poller: $0) }
  }

  var testDescription: String { "\(backend) on \(poller)" }

  func makeRuntime() throws -> any AsyncRuntime { try backend.makeRuntime(poller: poller) }

  func withRuntime(workers: Int? = 2, _ body: (any AsyncRuntime) async throws -> Void) async throws {
    try await backend.withRuntime(workers: workers, poller: poller, body)
  }
}

@Suite(.timeLimit(.minutes(10))) struct StreamTests {
  @Test(arguments: Variant.all)
  func `What one end writes the other reads, and each direction ends on its own`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      try await near.write("hello")
      #expect(try await far.read() == Array("hello".utf8))
      try near.shutdownWrite()
      #expect(try await far.read() == [])
      #expect(try await far.read() == [])
      try await far.write("still there")
      #expect(try await near.read() == Array("still there".utf8))
    }
  }

  @Test(arguments: Variant.all)
  func `What can be done without waiting is done in a plain call, and nothing else is`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      #expect(try near.tryRead() == nil)
      #expect(try far.tryWrite("hello".utf8) == 5)
      try await near.readableOrClosed()
      #expect(try near.tryRead() == Array("hello".utf8))
      #expect(try near.tryRead() == nil)
      // More than any socket holds, so that the peer's not reading must show.
      let block = [UInt8](repeating: 7, count: 1 << 20)
      var written = 0
      while true {
        let count = try far.tryWrite(block)
        if count == 0 { break }
        written += count
      }
      // Others get a turn after many operations in a row, so that a 0 need not mean that the socket is full.
      #expect(written > 0)
      try far.shutdownWrite()
      #expect(try await near.readToEnd().count == written)
      try await near.readableOrClosed()
      #expect(try near.tryRead() == [])
    }
  }

  @Test(arguments: Variant.all)
  func `A wait that does not watch for cancellation ends when the stream is closed`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      for round in 0..<100 {
        let (near, far) = try await runtime.connectedPair()
        // More than once, as the wait may return without need.
        let task = runtime.spawn {
          while try near.tryRead() == nil { try await near.readableOrClosed() }
        }
        for _ in 0..<round % 5 { await Task.yield() }
        task.cancel()
        near.close()
        #expect(try await ioError { try await task.value } == IOError(.read, .closed))
        far.close()
      }
    }
  }

  @Test(arguments: Variant.all)
  func `Megabytes go both ways at once through one stream`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      let bytes = (0..<2_000_003).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
      let senders = [near, far].map { stream in
        runtime.spawn {
          try await stream.write(bytes)
          try stream.shutdownWrite()
        }
      }
      let receivers = [near, far].map { stream in runtime.spawn { try await stream.readToEnd() } }
      for sender in senders { try await sender.value }
      for receiver in receivers { #expect(isSame(try await receiver.value, bytes)) }
    }
  }

  @Test(arguments: Variant.all)
  func `Two pieces are written as one, also when the kernel takes only a part`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      let bytes = (0..<1_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
      let sizes = [0, 1, 1000, 1_000_000, 1_000_001]
      let writer = runtime.spawn {
        for size in sizes {
          try await near.write(
            bytes.span.bytes.extracting(first: size), bytes.span.bytes.extracting(droppingFirst: size))
        }
        near.close()
      }
      let all = try await far.readToEnd()
      try await writer.value
      #expect(isSame(all, sizes.flatMap { _ in bytes }))
    }
  }

  @Test(arguments: Variant.all)
  func `A reader that waits is woken by a write`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      for round in 0..<500 {
        let reader = runtime.spawn { try await far.read() }
        if round % 2 == 0 { await Task.yield() }
        try await near.write([UInt8(truncatingIfNeeded: round)])
        #expect(try await reader.value == [UInt8(truncatingIfNeeded: round)])
      }
    }
  }

  @Test(arguments: Variant.all)
  func `readable waits without taking anything`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      for _ in 0..<50 {
        let reader = runtime.spawn {
          try await far.readable()
          try await far.readable()
          return try await far.read(upTo: 1)
        }
        await Task.yield()
        try await near.write("ab")
        #expect(try await reader.value == Array("a".utf8))
        #expect(try await far.read() == Array("b".utf8))
      }
    }
  }

  @Test(arguments: Variant.all)
  func `readable does not return on a new stream to which nothing has been sent`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      for stream in [near, far] {
        let waiter = runtime.spawn { try await stream.readable() }
        waiter.cancel()
        await #expect(throws: IOError(.read, .cancelled)) { try await waiter.value }
      }
    }
  }

  @Test(arguments: Variant.all)
  func `A small buffer is filled again and again until all is read`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      try await near.write("abcdefghij")
      near.close()
      var pieces: [[UInt8]] = []
      while true {
        let piece = try await far.read(upTo: 4)
        if piece.isEmpty { break }
        pieces.append(piece)
      }
      #expect(pieces.flatMap { $0 } == Array("abcdefghij".utf8))
      #expect(pieces.allSatisfy { $0.count <= 4 })
    }
  }

  @Test(arguments: Variant.all)
  func `Writing to a peer that has gone is an error and not a signal`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      far.close()
      let error = try await ioError { while true { try await near.write([UInt8](repeating: 0, count: 65536)) } }
      #expect(error?.operation == .write)
      #expect(error?.errno == EPIPE || error?.errno == ECONNRESET)
    }
  }

  @Test(arguments: Variant.all)
  func `Closing wakes whoever reads or writes, with an error that says so`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      for round in 0..<100 {
        let (near, far) = try await runtime.connectedPair()
        let reader = runtime.spawn { try await ioError { _ = try await near.read() } }
        let writer = runtime.spawn {
          try await ioError { while true { try await near.write([UInt8](repeating: 0, count: 1 << 20)) } }
        }
        for _ in 0..<round % 7 { await Task.yield() }
        near.close()
        #expect(try await reader.value == IOError(.read, .closed))
        #expect(try await writer.value == IOError(.write, .closed))
        near.close()
        #expect(near.peerAddress == nil)
        #expect(try await ioError { _ = try await near.read() } == IOError(.read, .closed))
        #expect(try await ioError { try near.shutdownWrite() } == IOError(.shutdown, .closed))
        far.close()
      }
    }
  }

  @Test(arguments: Variant.all)
  func `A second reader is turned away and the first goes on`(variant: Variant) async throws {
    try await variant.withRuntime(workers: 1) { runtime in
      let (near, far) = try await runtime.connectedPair()
      // On one worker, so that the first waits by the time the second tries.
      let first = runtime.spawn { try await far.read() }
      let second = runtime.spawn { try await ioError { _ = try await far.read() } }
      #expect(try await second.value == IOError(.read, .busy))
      try await near.write("x")
      #expect(try await first.value == Array("x".utf8))
    }
  }

  @Test(arguments: Variant.all)
  func `A closed stream never reaches a descriptor with the same number`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      // Streams are closed under readers and writers while others are opened and take their numbers. Whatever goes
      // astray turns up in a stream that should have carried its own mark alone.
      try await withThrowingTaskGroup(of: Void.self) { group in
        for mark in UInt8(1)...4 {
          group.addTask {
            for _ in 0..<20 {
              let (near, far) = try await runtime.connectedPair()
              let marks = [UInt8](repeating: mark, count: 4096)
              let writer = runtime.spawn {
                try await ioError { for _ in 0..<50 { try await near.write(marks) } }
              }
              let reader = runtime.spawn { () -> Bool in
                var isClean = true
                _ = try await ioError {
                  while true {
                    let some = try await far.read()
                    if some.isEmpty { return }
                    isClean = isClean && some.first == mark && some.last == mark
                  }
                }
                return isClean
              }
              for _ in 0..<mark { await Task.yield() }
              near.close()
              _ = try await writer.value
              #expect(try await reader.value)
              far.close()
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test(arguments: Variant.all)
  func `A stream that is dropped is closed`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let far: any ByteStream
      do {
        let pair = try await runtime.connectedPair()
        far = pair.far
      }
      #expect(try await far.readToEnd() == [])
    }
  }

  @Test(arguments: Variant.all)
  func `Over IPv4, IPv6 and Unix-domain sockets both ends know both addresses`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let path = temporaryPath()
      for address in [.loopback(port: 0), .ipv6(.loopback, port: 0), .unix(path: path)] as [SocketAddress] {
        let listener = try runtime.listen(on: address)
        let accepted = runtime.spawn { try await listener.accept() as any ByteStream }
        let near = try await runtime.connect(to: listener.localAddress)
        let far = try await accepted.value
        #expect(near.peerAddress == listener.localAddress)
        #expect(far.localAddress == listener.localAddress)
        #expect(near.localAddress == far.peerAddress)
        if let port = listener.localAddress.port { #expect(port != 0) }
        try await near.write("x")
        #expect(try await far.read() == Array("x".utf8))
        listener.close()
      }
      #expect(access(path, F_OK) != 0, "a closed listener leaves no name behind")
    }
  }
}

/// As `==`, which takes seconds for megabytes in a debug build.
private func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
  a.count == b.count && memcmp(a, b, a.count) == 0
}

/// A path that nobody else uses, short enough for a socket.
func temporaryPath() -> String { "/tmp/gearbox-test-\(UInt64.random(in: 0 ... .max))" }
