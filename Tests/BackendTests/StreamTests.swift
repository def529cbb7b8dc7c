import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Behaviour of the streams of all three backends beyond the conformance suite.
@Suite(.timeLimit(.minutes(10))) struct StreamTests {
  @Test(arguments: Variant.all)
  func `Plain calls do what needs no waiting, and nothing else`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      #expect(try near.tryRead() == nil)
      #expect(try far.tryWrite("hello".utf8) == 5)
      try await near.waitUntilReadableOrClosed()
      #expect(try near.tryRead() == Array("hello".utf8))
      #expect(try near.tryRead() == nil)
      // More than a socket's capacity, so that a write has to wait for the peer to read.
      let block = [UInt8](repeating: 7, count: 1 << 20)
      var written = 0
      while true {
        let count = try far.tryWrite(block)
        if count == 0 { break }
        written += count
      }
      // Other tasks get a turn after many operations in a row, so that a 0 need not mean that the socket is full.
      #expect(written > 0)
      try await far.shutdownWrite()
      #expect(try await near.readToEnd().count == written)
      try await near.waitUntilReadableOrClosed()
      // Nor need `nil` mean, after many reads, that the socket is empty.
      #expect(try near.tryRead() ?? [] == [])
    }
  }

  @Test(arguments: Variant.all)
  func `A connection sends keep-alive probes to a silent peer on request`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      var (connecting, listening) = (ConnectOptions(), ListenOptions())
      connecting.tcp.keepAlive = TCPOptions.KeepAlive(idle: .milliseconds(59_500), interval: .seconds(7), probes: 3)
      listening.tcp.keepAlive = TCPOptions.KeepAlive(idle: .seconds(1_000_000), interval: .zero, probes: -1)
      let listener = try await runtime.listen(on: .loopback(port: 0), options: listening)
      let near: any ByteStream = try await runtime.connect(to: listener.localAddress, options: connecting)
      let far: any ByteStream = try await listener.accept()
      #expect(try keepAlive(of: near) == [1, 60, 7, 3])
      #expect(try keepAlive(of: far) == [1, 32_767, 1, 1])
      let (quiet, peer) = try await runtime.connectedPair()
      #expect(try keepAlive(of: quiet)[0] == 0)
      for stream in [near, far, quiet, peer] { stream.close() }
      listener.close()
    }
  }

  @Test(arguments: Variant.all)
  func `An option limits what the system buffers for a peer that reads nothing`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let memory = [UInt8](repeating: 1, count: 16 * 1024)
      var taken: [Int] = []
      for limit in [64 * 1024, nil] {
        var connecting = ConnectOptions()
        connecting.tcp.unsentLimit = limit
        let listener = try await runtime.listen(on: .loopback(port: 0))
        let near = try await runtime.connect(to: listener.localAddress, options: connecting)
        let far = try await listener.accept()
        var count = 0
        // 0 may also mean that other tasks are to have a turn.
        var refusals = 0
        while refusals < 100 {
          let written = try near.tryWrite(memory.span.bytes)
          count += written
          refusals = written == 0 ? refusals + 1 : 0
          if written == 0 { await Task.yield() }
        }
        taken.append(count)
        near.close()
        far.close()
        listener.close()
      }
      // The peer's system buffers the same amount in both cases.
      #expect(taken[0] + 512 * 1024 < taken[1])
    }
  }

  /// Whether the system sends keep-alive probes, and the three figures for their times.
  private func keepAlive(of stream: any ByteStream) throws -> [Int32] {
    let descriptor = try #require(systemDescriptor(of: stream))
    let tcp = Int32(IPPROTO_TCP)
    return [(SO_KEEPALIVE, SOL_SOCKET), (TCP_KEEPIDLE, tcp), (TCP_KEEPINTVL, tcp), (TCP_KEEPCNT, tcp)].map {
      (option, level) in
      var value: Int32 = -1
      var size = socklen_t(MemoryLayout<Int32>.size)
      getsockopt(descriptor, level, option, &value, &size)
      return value
    }
  }

  @Test(arguments: Variant.all)
  func `readable does not return on a new stream to which nothing has been sent`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      for stream in [near, far] {
        let waiter = runtime.spawn { try await stream.waitUntilReadable() }
        waiter.cancel()
        await #expect(throws: IOError(.read, .cancelled)) { try await waiter.value }
      }
    }
  }

  @Test(arguments: Variant.all)
  func `Dropping a stream closes it`(variant: Variant) async throws {
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
  func `A closed stream has no addresses, and its writing end cannot be shut down`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      near.close()
      #expect(near.localAddress == nil && near.peerAddress == nil)
      await #expect(throws: IOError(.shutdown, .closed)) { try await near.shutdownWrite() }
      far.close()
    }
  }
}
