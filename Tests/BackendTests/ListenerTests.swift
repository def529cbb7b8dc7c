import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

@Suite(.timeLimit(.minutes(10))) struct ListenerTests {
  @Test(arguments: Variant.all)
  func `Connections are accepted whether they come before or after somebody waits`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let listener = try runtime.listen(on: .loopback(port: 0))
      var streams: [any ByteStream] = []
      for _ in 0..<20 { streams.append(try await runtime.connect(to: listener.localAddress)) }
      for _ in 0..<20 { streams.append(try await listener.accept()) }
      for _ in 0..<20 {
        let waiting = runtime.spawn { try await listener.accept() as any ByteStream }
        await Task.yield()
        streams.append(try await runtime.connect(to: listener.localAddress))
        streams.append(try await waiting.value)
      }
      #expect(streams.count == 80)
    }
  }

  @Test(arguments: Variant.all)
  func `Closing a listener wakes whoever waits and frees the address`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      // No port: as soon as one is free, another test may have it.
      let address = SocketAddress.unix(path: temporaryPath())
      for _ in 0..<50 {
        let listener = try runtime.listen(on: address)
        let waiting = runtime.spawn { try await ioError { _ = try await listener.accept() } }
        await Task.yield()
        listener.close()
        listener.close()
        #expect(try await waiting.value == IOError(.accept, .closed))
        let again = try runtime.listen(on: address)
        again.close()
        #expect(try await ioError { _ = try await runtime.connect(to: address) } == IOError(.connect, .system(ENOENT)))
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `A port in use is refused, unless it is shared by all its listeners`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let first = try runtime.listen(on: .loopback(port: 0))
      let error = try await ioError { _ = try runtime.listen(on: first.localAddress) }
      #expect(error == IOError(.bind, .system(EADDRINUSE)))
      #expect(error?.description == "bind: Address already in use (errno 98)")

      var shared = ListenOptions()
      shared.reusePort = true
      let second = try runtime.listen(on: .loopback(port: 0), options: shared)
      let third = try runtime.listen(on: second.localAddress, options: shared)
      #expect(second.localAddress == third.localAddress)
    }
  }

  @Test(arguments: Backend.allCases)
  func `A socket that a dead server left behind is replaced, and a live one's is not`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let path = temporaryPath()
      defer { unlink(path) }
      let live = try runtime.listen(on: .unix(path: path))
      #expect(
        try await ioError { _ = try runtime.listen(on: .unix(path: path)) } == IOError(.bind, .system(EADDRINUSE)))
      live.close()
      // What a server leaves that was killed: the name, with nobody who listens behind it.
      let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var name = sockaddr_un()
      name.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
      let bound = withUnsafePointer(to: name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(dead, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      #expect(bound == 0)
      close(dead)
      let second = try runtime.listen(on: .unix(path: path))
      let stream = try await runtime.connect(to: .unix(path: path))
      stream.close()
      second.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `What it makes is non-blocking, closed on exec, and sends at once`(backend: Backend) async throws {
    await #expect(processExitsWith: .success) { [backend] in
      try await backend.withRuntime { runtime in
        let known = Set(openDescriptors())
        let (near, far) = try await runtime.connectedPair()
        let made = openDescriptors().filter { !known.contains($0) && isSocket($0) }
        #expect(made.count == 2)
        for descriptor in made {
          #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
          #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
          var value: Int32 = 0
          var size = socklen_t(4)
          getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &value, &size)
          #expect(value != 0)
        }
        near.close()
        far.close()
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `Out of descriptors, accept waits without spinning and then goes on`(backend: Backend) async throws {
    await #expect(processExitsWith: .success) { [backend] in
      try await backend.withRuntime { runtime in
        let listener = try runtime.listen(on: .loopback(port: 0))
        // Connected from outside this process's limit: by hand, before it is lowered.
        let client = try await runtime.connect(to: listener.localAddress)
        // Dispatch, on which Swift and the test library sleep, makes its own descriptors then and aborts without.
        try await Task.sleep(for: .milliseconds(1))
        // All numbers are taken, so that the connection cannot be accepted.
        var limit = rlimit(rlim_cur: 256, rlim_max: 256)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        var taken: [Int32] = []
        while true {
          let descriptor = dup(0)
          if descriptor < 0 { break }
          taken.append(descriptor)
        }
        let accepting = runtime.spawn { try await listener.accept() as any ByteStream }
        let before = processorTime()
        try await runtime.clock.sleep(for: .milliseconds(300))
        // Asking every 20 ms costs nothing to speak of; spinning would have cost all of the 300 ms.
        #expect(processorTime() - before < 150_000_000)
        taken.forEach { close($0) }
        let far = try await accepting.value
        try await client.write("x")
        #expect(try await far.read() == Array("x".utf8))
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `A connection that is refused says so`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let error = try await ioError { _ = try await runtime.connect(to: .unix(path: "/tmp/gearbox-no-such-socket")) }
      #expect(error == IOError(.connect, .system(ENOENT)))
    }
  }
}

/// The numbers of this process's open descriptors.
func openDescriptors() -> [Int32] { (0..<1024).filter { fcntl($0, F_GETFD) >= 0 } }

private func isSocket(_ descriptor: Int32) -> Bool {
  var kind: Int32 = 0
  var size = socklen_t(4)
  return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &kind, &size) == 0
}

/// Nanoseconds of processor time that this process has used.
func processorTime() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
