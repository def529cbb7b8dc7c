import Runtime

extension RuntimeConformance {
  static let closing: [Case] = [
    Case("Closing a stream ends a pending read", .closing) { runtime in
      try await expectWoken("a read", IOError(.read, .closed), on: runtime) { _ = try await $0.read() }
    },

    Case("Closing a stream ends a pending wait for readability", .closing) { runtime in
      // In a loop, because they may return spuriously.
      try await expectWoken("readable", IOError(.read, .closed), on: runtime) { stream in
        while try stream.tryRead() == nil { try await stream.waitUntilReadable() }
      }
      try await expectWoken("waitUntilReadableOrClosed", IOError(.read, .closed), on: runtime) { stream in
        while try stream.tryRead() == nil { try await stream.waitUntilReadableOrClosed() }
      }
    },

    Case("Closing a stream ends a pending write", .closing) { runtime in
      let block = [UInt8](repeating: 0, count: 1 << 20)
      try await expectWoken("a write", IOError(.write, .closed), on: runtime) { stream in
        while true { try await stream.write(block) }
      }
    },

    Case("Closing a listener ends a pending accept", .closing) { runtime in
      for round in 0..<50 {
        let listener = try await runtime.listen(on: .loopback(port: 0))
        let accepting = runtime.spawn { _ = try await listener.accept() }
        for _ in 0..<round % 5 { await Task.yield() }
        listener.close()
        listener.close()
        try await expect("an accept", toThrow: IOError(.accept, .closed)) { try await accepting.value }
        try await expect("an accept afterwards", toThrow: IOError(.accept, .closed)) { try await listener.accept() }
      }
    },

    Case("A closed stream fails at once, and closing it again does nothing", .closing) { runtime in
      let (near, far) = try await runtime.connectedPair()
      defer { far.close() }
      for _ in 0..<2 {
        near.close()
        try await expect("a read", toThrow: IOError(.read, .closed)) { try await near.read() }
        try await expect("readable", toThrow: IOError(.read, .closed)) { try await near.waitUntilReadable() }
        try await expect("waitUntilReadableOrClosed", toThrow: IOError(.read, .closed)) {
          try await near.waitUntilReadableOrClosed()
        }
        try await expect("a write", toThrow: IOError(.write, .closed)) { try await near.write("x") }
        try await expect("a write of two", toThrow: IOError(.write, .closed)) {
          try await near.write("x".utf8.span.bytes, "y".utf8.span.bytes)
        }
      }
    },

    Case("A stream is closed once closeAndWait has returned", .closing) { runtime in
      let (near, far) = try await runtime.connectedPair()
      try await near.write("x")
      try await expectEnd(of: "closing") { await near.closeAndWait() }
      try await expect("a read", toThrow: IOError(.read, .closed)) { try await near.read() }
      try await expect("what the peer reads", toGive: Array("x".utf8)) { try await far.readToEnd() }
      try await expectEnd(of: "closing it again") { await near.closeAndWait() }
    },

    Case("closeOrderly closes a stream at once, and the peer reads its end", .closing) { runtime in
      let (near, far) = try await runtime.connectedPair()
      try await near.write("x")
      let reading = runtime.spawn { try await near.read() }
      near.closeOrderly()
      near.closeOrderly()
      try await expect("a read during which it is closed", toThrow: IOError(.read, .closed)) { try await reading.value }
      try await expect("a write", toThrow: IOError(.write, .closed)) { try await near.write("x") }
      try await expect("what the peer reads", toGive: Array("x".utf8)) { try await far.readToEnd() }
    },

    Case("The peer of a closed stream reads what was written, and then the end", .closing) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let bytes = pattern(100_000)
      let reader = runtime.spawn { try await far.readToEnd() }
      try await near.write(bytes)
      near.close()
      try await expect("what the peer reads", toGive: bytes) { try await reader.value }
    },

    .makingRuntimes(
      "A peer notices a close even if a foreign task waits on the stream", .closing, needs: .realDescriptors
    ) {
      trial in
      let runtime = try await trial.makeRuntime()
      let other = try await trial.makeRuntime()
      let listener = try await runtime.listen(on: .loopback(port: 0))
      for _ in 0..<10 {
        let far = try await other.connect(to: listener.localAddress)
        let near = try await listener.accept()
        // Not a task of the runtime: one that resumes would make the runtime check for events anyway.
        let reader = Task { try await near.read() }
        let peer = other.spawn { try await far.read() }
        try await other.clock.sleep(for: .milliseconds(2))
        near.close()
        try await expect("what the peer reads", toGive: []) { try await peer.value }
        try await expect("a read", toThrow: IOError(.read, .closed)) { try await reader.value }
        far.close()
      }
    },

    Case("Closing a listener does not close accepted connections", .closing) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      let near = try await runtime.connect(to: listener.localAddress)
      let far = try await listener.accept()
      listener.close()
      try await near.write("x")
      try await expect("what an accepted stream reads then", toGive: Array("x".utf8)) { try await far.read() }
    },

    Case("A stream that several tasks close at once is closed exactly once", .closing) { runtime in
      for _ in 0..<50 {
        let (near, far) = try await runtime.connectedPair()
        let reader = runtime.spawn { try await near.read() }
        let closers = (0..<4).map { _ in runtime.spawn { near.close() } }
        for closer in closers { try await expectEnd(of: "a task that closes") { try await closer.value } }
        try await expect("the read", toThrow: IOError(.read, .closed)) { try await reader.value }
        try await expect("what the peer reads", toGive: []) { try await far.read() }
      }
    },

    // The kernel reuses the number of a closed descriptor for the next socket. A late operation on the old one may
    // reach the new one.
    Case("Closing a stream never affects another", .closing) { runtime in
      let pairs = (0..<4).map { mark in
        runtime.spawn {
          for _ in 0..<30 {
            let (near, far) = try await runtime.connectedPair()
            for byte in UInt8(0)..<3 {
              try await near.write([byte])
              guard try await far.read() == [byte] else { return false }
              await Task.yield()
            }
            let late = runtime.spawn { near.close() }
            for _ in 0..<mark { await Task.yield() }
            near.close()
            guard try await far.read() == [] else { return false }
            far.close()
            try await late.value
          }
          return true
        }
      }
      for pair in pairs {
        try await expect("whether streams carry their own bytes while others are closed", toGive: true) {
          try await pair.value
        }
      }
    },

    Case("Bytes of a closed stream never turn up in another", .closing) { runtime in
      let tasks = (UInt8(1)...4).map { mark in runtime.spawn { try await expectOwnMark(mark, on: runtime) } }
      for task in tasks { try await expectEnd(of: "a task that opens and closes streams") { try await task.value } }
    },
  ]

  /// Closes a stream during `body` after various delays, and expects `body` to fail with `error`.
  private static func expectWoken(
    _ subject: String, _ error: IOError, on runtime: any AsyncRuntime,
    _ body: @escaping @Sendable (any ByteStream) async throws -> Void
  ) async throws {
    for round in 0..<50 {
      let (near, far) = try await runtime.connectedPair()
      let task = runtime.spawn { try await body(near) }
      for _ in 0..<round % 7 { await Task.yield() }
      near.close()
      try await expect("\(subject) during which the stream is closed", toThrow: error) { try await task.value }
      far.close()
    }
  }

  /// Closes streams during writes while other streams are opened. Misdirected bytes turn up in a stream that should
  /// carry only its own mark.
  private static func expectOwnMark(_ mark: UInt8, on runtime: any AsyncRuntime) async throws {
    let marks = [UInt8](repeating: mark, count: 4096)
    for _ in 0..<20 {
      let (near, far) = try await runtime.connectedPair()
      let writer = runtime.spawn { try await ioError { for _ in 0..<50 { try await near.write(marks) } } }
      let reader = runtime.spawn {
        var strangers: Set<UInt8> = []
        _ = try await ioError {
          while true {
            let some = try await far.read()
            if some.isEmpty { return }
            for byte in [some[0], some[some.count - 1]] where byte != mark { strangers.insert(byte) }
          }
        }
        return strangers
      }
      for _ in 0..<mark { await Task.yield() }
      near.close()
      _ = try await writer.value
      try await expect("the marks of others in a stream", toGive: []) { try await reader.value }
      far.close()
    }
  }
}
