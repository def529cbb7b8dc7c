import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Behaviour of the datagram sockets of all three backends beyond the conformance suite.
@Suite(.timeLimit(.minutes(10))) struct DatagramTests {
  @Test(arguments: Variant.all)
  func `Datagrams go over IPv6, and through a type-erased socket`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let server = AnyDatagrams(AnyDatagrams(try await runtime.bindDatagrams(on: .ipv6(.loopback, port: 0))))
      let client = try await runtime.connectDatagrams(to: server.localAddress)
      try await client.send(Array("there".utf8))
      let datagram = try await server.receive()
      #expect(datagram == Datagram(Array("there".utf8), from: client.localAddress))
      try await server.send(Array("and back".utf8), to: client.localAddress)
      #expect(try await client.receive().bytes == Array("and back".utf8))
      await server.closeAndWait()
      await #expect(throws: IOError(.receive, .closed)) { try await server.receive() }
    }
  }

  @Test(arguments: Variant.all)
  func `A sender without a name has no address`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let socket = try await runtime.bindDatagrams(on: .unix(path: ""))
      let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      defer { close(descriptor) }
      #expect(socket.localAddress.withSystemAddress { sendto(descriptor, "x", 1, 0, $0, $1) } == 1)
      #expect(try await socket.receive() == Datagram(Array("x".utf8), from: nil))
    }
  }

  @Test(arguments: Variant.all)
  func `The options are set on the socket`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      var options = DatagramOptions()
      options.reusePort = true
      options.receiveBufferSize = 10_000
      options.sendBufferSize = 20_000
      let first = try await runtime.bindDatagrams(on: .loopback(port: 0), options: options)
      // The second socket shares the port of the first. Its peer, set below, identifies its descriptor.
      let second = try await runtime.bindDatagrams(on: first.localAddress, options: options)
      #expect(second.localAddress == first.localAddress)
      let other = try await runtime.bindDatagrams(on: .loopback(port: 0))
      try second.connect(to: other.localAddress)
      let number = try #require(
        (Int32(0)..<4096).first { number in
          SocketAddress(writtenBy: { getsockname(number, $0, $1) }) == second.localAddress
            && SocketAddress(writtenBy: { getpeername(number, $0, $1) }) == second.peerAddress
        })
      // The system doubles the values (socket(7)).
      for (option, expected) in [(SO_RCVBUF, 20_000), (SO_SNDBUF, 40_000), (SO_BROADCAST, 0)] as [(Int32, Int32)] {
        var value: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        #expect(getsockopt(number, SOL_SOCKET, option, &value, &length) == 0)
        #expect(value == expected)
      }
    }
  }

  @Test(arguments: Variant.all)
  func `Datagrams go to a broadcast address if the option allows it`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let receiver = try await runtime.bindDatagrams(on: .ipv4(.any, port: 0))
      let everywhere = SocketAddress.ipv4(IPv4Address(127, 255, 255, 255), port: receiver.localAddress.port ?? 0)
      let quiet = try await runtime.bindDatagrams(on: .loopback(port: 0))
      await #expect(throws: IOError(.send, .system(EACCES))) { try await quiet.send([1], to: everywhere) }
      var options = DatagramOptions()
      options.broadcast = true
      let loud = try await runtime.bindDatagrams(on: .loopback(port: 0), options: options)
      try await loud.send([2], to: everywhere)
      #expect(try await receiver.receive().bytes == [2])
    }
  }

  @Test(arguments: Variant.all)
  func `A send that waits for room does not keep its worker busy`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      for isConnected in [false, true] {
        let receiver = try await runtime.bindDatagrams(on: .unix(path: ""))
        let other = try await runtime.bindDatagrams(on: .unix(path: ""))
        let sender = try await runtime.bindDatagrams(on: .unix(path: ""))
        if isConnected { try sender.connect(to: receiver.localAddress) }
        let filling = runtime.spawn { while true { try await other.send([1], to: receiver.localAddress) } }
        filling.cancel()
        await #expect(throws: IOError(.send, .cancelled)) { try await filling.value }
        let sending = runtime.spawn {
          if isConnected { try await sender.send([2]) } else { try await sender.send([2], to: receiver.localAddress) }
        }
        let (before, start) = (jobs(of: runtime), ContinuousClock.now)
        try await runtime.clock.sleep(for: .milliseconds(200))
        let count = jobs(of: runtime) - before
        // The send retries at most once a millisecond. A task that is woken in vain has several jobs per millisecond.
        #expect(Double(count) < (ContinuousClock.now - start) / .milliseconds(1) + 50)
        receiver.close()
        await #expect(throws: IOError(.send, .system(ECONNREFUSED))) { try await sending.value }
      }
    }
  }

  private func jobs(of runtime: any AsyncRuntime) -> Int { runtime.metrics.workers.reduce(0) { $0 + $1.jobs } }

  /// Without a watchdog, which would let other tasks run.
  @Test(arguments: Backend.allCases, PollerKind.allCases)
  func `Other tasks get turns beside datagrams on one worker`(backend: Backend, poller: PollerKind) async throws {
    // In a process of its own: on Swift's pool it would wait for other tests, which share the pool.
    await #expect(processExitsWith: .success) { [backend, poller] in
      let promise = "Tasks that never have to wait for a datagram let others run"
      let meant = try #require(RuntimeConformance.cases.first { $0.promise == promise })
      try await meant.check { try backend.makeRuntime(workers: 1, poller: poller, stalls: nil) }
    }
  }

  @Test(arguments: Backend.allCases)
  func `A socket is closed with the last reference to it`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let path = temporaryPath()
      func bindAndDrop() async throws { _ = try await runtime.bindDatagrams(on: .unix(path: path)) }
      try await bindAndDrop()
      #expect(access(path, F_OK) != 0)
      let socket = try await runtime.bindDatagrams(on: .unix(path: path))
      await socket.closeAndWait()
    }
  }
}
