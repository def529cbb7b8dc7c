import Runtime

extension RuntimeConformance {
  /// Cancellation ends a wait, whether it comes before the wait, at its beginning, or long after.
  static let cancellation: [Case] = [
    Case("Cancelling ends a read", .cancellation) { runtime in
      let (near, far) = try await runtime.connectedPair()
      defer { far.close() }
      try await expectCancelled("a read", IOError(.read, .cancelled), on: runtime) { _ = try await near.read() }
    },

    Case("Cancelling ends a wait for readability", .cancellation) { runtime in
      let (near, far) = try await runtime.connectedPair()
      defer { far.close() }
      try await expectCancelled("readable", IOError(.read, .cancelled), on: runtime) {
        // In a loop, because it may return spuriously.
        while !Task.isCancelled {
          try await near.waitUntilReadable()
          await Task.yield()
        }
        throw IOError(.read, .cancelled)
      }
    },

    Case("A cancelled read consumes no bytes", .cancellation) { runtime in
      let (near, far) = try await runtime.connectedPair()
      // Half of them find something to read as they are cancelled. So many, that a byte is lost though it be once in a
      // thousand times.
      let count = 5000
      var all: [UInt8] = []
      for number in 0..<count {
        let reader = runtime.spawn { try await far.read() }
        for _ in 0..<number % 3 { await Task.yield() }
        // At about the same time, in either order.
        if number % 2 == 0 { reader.cancel() }
        try await near.write([UInt8(truncatingIfNeeded: number)])
        if number % 2 == 1 { reader.cancel() }
        do {
          all += try await reader.value
        } catch let error as IOError {
          try expect("the error of a cancelled read", error, is: IOError(.read, .cancelled))
        }
      }
      try await near.shutdownWrite()
      all += try await expectEnd(of: "reading the rest") { try await far.readToEnd() }
      try expect("all that was read", all, is: (0..<count).map { UInt8(truncatingIfNeeded: $0) })
    },

    Case("Cancelling ends a write that the peer does not read", .cancellation) { runtime in
      let (near, far) = try await runtime.connectedPair()
      defer { far.close() }
      let block = [UInt8](repeating: 0, count: 1 << 20)
      try await expectCancelled("a write", IOError(.write, .cancelled), on: runtime) {
        while true { try await near.write(block) }
      }
    },

    Case("A cancelled writeSome has written nothing", .cancellation) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let block = [UInt8](repeating: 0, count: 1 << 20)
      var count = 0
      for _ in 0..<5 {
        let writing = runtime.spawn { () -> Int in
          var count = 0
          do {
            while true { count += try await near.writeSome(block.span.bytes) }
          } catch let error as IOError where error.reason == .cancelled {
            return count
          }
        }
        try await runtime.clock.sleep(for: .milliseconds(5))
        writing.cancel()
        count += try await expectEnd(of: "a writeSome whose task is cancelled") { try await writing.value }
      }
      let reading = runtime.spawn { try await far.readToEnd().count }
      try await near.shutdownWrite()
      try await expect("how much the peer reads of what was counted", toGive: count) { try await reading.value }
    },

    Case("Cancelling ends an accept without affecting the next one", .cancellation) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      try await expectCancelled("an accept", IOError(.accept, .cancelled), on: runtime) {
        _ = try await listener.accept()
      }
      let near = try await runtime.connect(to: listener.localAddress)
      let far = try await expectEnd(of: "the next accept") { try await listener.accept() }
      try await near.write("x")
      try await expect("what the connection carries", toGive: Array("x".utf8)) { try await far.read() }
    },

    Case("A cancelled accept loses no connection", .cancellation) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      var near: [any ByteStream] = []
      var far: [any ByteStream] = []
      for round in 0..<50 {
        let accepting = runtime.spawn { try await listener.accept() as any ByteStream }
        for _ in 0..<round % 3 { await Task.yield() }
        if round % 2 == 0 { accepting.cancel() }
        near.append(try await runtime.connect(to: listener.localAddress))
        if round % 2 == 1 { accepting.cancel() }
        do {
          far.append(try await accepting.value)
        } catch let error as IOError {
          try expect("the error of a cancelled accept", error, is: IOError(.accept, .cancelled))
        }
      }
      while far.count < near.count {
        far.append(try await expectEnd(of: "accepting the rest") { try await listener.accept() })
      }
    },

    Case("Cancelling ends a connect that is not answered", .cancellation, needs: .realDescriptors) { runtime in
      // A Unix-domain listener with a full backlog keeps connecting clients waiting, without help from the network.
      var options = ListenOptions()
      options.backlog = 0
      let listener = try await runtime.listen(on: .unix(path: temporaryPath()), options: options)
      let first = try await runtime.connect(to: listener.localAddress)
      try await expectCancelled("a connect", IOError(.connect, .cancelled), on: runtime, rounds: 20) {
        _ = try await runtime.connect(to: listener.localAddress)
      }
      let second = runtime.spawn { try await runtime.connect(to: listener.localAddress) as any ByteStream }
      let accepted = try await expectEnd(of: "accepting two") {
        [try await listener.accept(), try await listener.accept()]
      }
      try await expectEnd(of: "a connect once there is room") { try await second.value }.close()
      for stream in accepted + [first] { stream.close() }
    },

    Case("Cancelling ends a sleep", .cancellation) { runtime in
      try await expectCancelledSleep("a sleep", on: runtime) { try await runtime.clock.sleep(for: .seconds(3600)) }
    },

    Case("Cancelling ends Swift's own sleeps in a task of the runtime", .cancellation) { runtime in
      try await expectCancelledSleep("Task.sleep", on: runtime) { try await Task.sleep(for: .seconds(3600)) }
      try await expectCancelledSleep("ContinuousClock's sleep", on: runtime) {
        try await ContinuousClock().sleep(for: .seconds(3600))
      }
    },

    Case("An operation that has to wait in a cancelled task ends at once", .cancellation) { runtime in
      let (near, far) = try await runtime.connectedPair()
      defer { far.close() }
      let listener = try await runtime.listen(on: .loopback(port: 0))
      try await expect("a read", toThrow: IOError(.read, .cancelled)) {
        try await runtime.spawnCancelled { _ = try await near.read() }.value
      }
      try await expect("an accept", toThrow: IOError(.accept, .cancelled)) {
        try await runtime.spawnCancelled { _ = try await listener.accept() }.value
      }
      try await expectCancellation(of: "a sleep") {
        try await runtime.spawnCancelled { try await runtime.clock.sleep(for: .seconds(3600)) }.value
      }
    },

    Case("An operation that can finish at once succeeds in a cancelled task", .cancellation) { runtime in
      let (near, far) = try await runtime.connectedPair()
      try await far.write("x")
      try await near.waitUntilReadable()
      try await expect("a read of what is there", toGive: Array("x".utf8)) {
        try await runtime.spawnCancelled {
          let bytes = try await near.read()
          try await near.write("y")
          return bytes
        }.value
      }
      try await expect("what the same task has written", toGive: Array("y".utf8)) { try await far.read() }
    },

    Case("A child task's waits end when its group is cancelled", .cancellation) { runtime in
      let (near, far) = try await runtime.connectedPair()
      defer { far.close() }
      let listener = try await runtime.listen(on: .loopback(port: 0))
      let task = runtime.spawn {
        await withTaskGroup(of: Bool.self) { group in
          group.addTask { (try? await ioError { _ = try await near.read() }) == IOError(.read, .cancelled) }
          group.addTask { (try? await ioError { _ = try await listener.accept() }) == IOError(.accept, .cancelled) }
          group.addTask { (try? await runtime.clock.sleep(for: .seconds(3600))) == nil }
          await Task.yield()
          group.cancelAll()
          return await group.reduce(into: []) { $0.append($1) }
        }
      }
      try await expect("whether a read, an accept and a sleep were cancelled", toGive: [true, true, true]) {
        try await task.value
      }
    },
  ]

  /// Cancels the operation in `body` after various delays, and expects it to fail with `error`.
  private static func expectCancelled(
    _ subject: String, _ error: IOError, on runtime: any AsyncRuntime, rounds: Int = 100,
    _ body: @escaping @Sendable () async throws -> Void
  ) async throws {
    for round in 0..<rounds {
      let task = runtime.spawn(body)
      for _ in 0..<round % 5 { await Task.yield() }
      if round % 25 == 24 { try await runtime.clock.sleep(for: .milliseconds(5)) }
      task.cancel()
      try await expect("\(subject) whose task is cancelled", toThrow: error) { try await task.value }
    }
  }

  private static func expectCancelledSleep(
    _ subject: String, on runtime: any AsyncRuntime, _ body: @escaping @Sendable () async throws -> Void
  ) async throws {
    for round in 0..<200 {
      let task = runtime.spawn(body)
      for _ in 0..<round % 5 { await Task.yield() }
      task.cancel()
      try await expectCancellation(of: "\(subject) whose task is cancelled") { try await task.value }
    }
  }
}

extension AsyncRuntime {
  /// Starts `operation` in a task that has already been cancelled.
  func spawnCancelled<Success: Sendable>(
    _ operation: @escaping @Sendable () async throws -> Success
  ) -> Task<Success, any Error> {
    let task = spawn {
      _ = await isCancelled(within: .seconds(30))
      return try await operation()
    }
    task.cancel()
    return task
  }
}
