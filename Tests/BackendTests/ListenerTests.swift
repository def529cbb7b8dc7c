import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

@Suite(.timeLimit(.minutes(10))) struct ListenerTests {
  @Test(arguments: Backend.allCases)
  func `Sockets are non-blocking, closed on exec, and have TCP_NODELAY`(backend: Backend) async throws {
    await #expect(processExitsWith: .success) { [backend] in
      try await backend.withRuntime { runtime in
        let (near, far) = try await runtime.connectedPair()
        // Found by their addresses: a new number may have belonged to another file a moment ago.
        let made = openDescriptors().filter { [near.localAddress, far.localAddress].contains(connectedAddress($0)) }
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
        let shortages = Recorder<IOError>()
        var options = ListenOptions()
        options.onShortage = { shortages.record($0) }
        let listener = try await runtime.listen(on: .loopback(port: 0), options: options)
        // The client connects before the limit is lowered.
        let client = try await runtime.connect(to: listener.localAddress)
        // Swift and the test library sleep on Dispatch, which opens descriptors then, and aborts if it cannot.
        try await Task.sleep(for: .milliseconds(200))
        // Uses all descriptors, so that the listener cannot accept the connection.
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
        // Retrying every 20 ms costs almost nothing; spinning would have used all of the 300 ms.
        #expect(processorTime() - before < 150_000_000)
        #expect(shortages.elements.first == IOError(.accept, .system(EMFILE)))
        taken.forEach { close($0) }
        let far = try await accepting.value
        try await client.write("x")
        #expect(try await far.read() == Array("x".utf8))
      }
    }
  }
}

/// The numbers of this process's open descriptors.
func openDescriptors() -> [Int32] { (0..<1024).filter { fcntl($0, F_GETFD) >= 0 } }

/// The local address of a connected socket; `nil` for other descriptors.
private func connectedAddress(_ descriptor: Int32) -> SocketAddress? {
  guard SocketAddress(writtenBy: { getpeername(descriptor, $0, $1) }) != nil else { return nil }
  return SocketAddress(writtenBy: { getsockname(descriptor, $0, $1) })
}

/// The processor time that this process has used, in nanoseconds.
func processorTime() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
