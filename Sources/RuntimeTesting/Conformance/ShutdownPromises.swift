import Runtime
import Synchronization

extension RuntimeConformance {
  static let shutdown: [Case] = [
    Case("Shutting down ends accepts and sleeps", .shutdown) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      let accepting = runtime.spawn { _ = try await listener.accept() }
      let sleeping = runtime.spawn { try await runtime.clock.sleep(for: .seconds(3600)) }
      try await runtime.clock.sleep(for: .milliseconds(2))
      try await expectEnd(of: "the shutdown") { await runtime.shutdown(grace: .seconds(3600)) }
      try await expect("an accept", toThrow: IOError(.accept, .closed)) { try await accepting.value }
      try await expectCancellation(of: "a sleep") { try await sleeping.value }
    },

    .makingRuntimes("Shutting down an idle runtime does not wait for the grace period", .shutdown) { trial in
      for _ in 0..<50 {
        let runtime = try await trial.makeRuntime()
        try await expectEnd(of: "the shutdown") { await runtime.shutdown(grace: .seconds(3600)) }
      }
    },

    .makingRuntimes("Shutting down ends reads and writes, and the peers notice", .shutdown, needs: .realDescriptors) {
      trial in
      let runtime = try await trial.makeRuntime()
      // The peers belong to another runtime, so the shutdown does not close them.
      let other = try await trial.makeRuntime()
      let listener = try await runtime.listen(on: .loopback(port: 0))
      var ends: [(near: any ByteStream, far: any ByteStream)] = []
      for _ in 0..<3 {
        let far = try await other.connect(to: listener.localAddress)
        ends.append((try await listener.accept(), far))
      }
      let (first, second, third) = (ends[0].near, ends[1].near, ends[2].near)
      let reading = runtime.spawn { _ = try await first.read() }
      let waiting = runtime.spawn { while try second.tryRead() == nil { try await second.waitUntilReadableOrClosed() } }
      let writing = runtime.spawn { while true { try await third.write([UInt8](repeating: 0, count: 1 << 20)) } }
      try await runtime.clock.sleep(for: .milliseconds(2))
      try await expectEnd(of: "the shutdown") { await runtime.shutdown(grace: .seconds(3600)) }
      try await expect("a read", toThrow: IOError(.read, .closed)) { try await reading.value }
      try await expect("a wait for readability", toThrow: IOError(.read, .closed)) { try await waiting.value }
      try await expect("a write", toThrow: IOError(.write, .closed)) { try await writing.value }
      try await expect("what a peer reads", toGive: []) { try await ends[0].far.read() }
      try await expectEnd(of: "a new connection's being refused") {
        while try await ioError({ try await other.connect(to: listener.localAddress).close() }) == nil {
          try Task.checkCancellation()
          await Task.yield()
        }
      }
    },

    Case("After shutdown, operations that wait fail at once", .shutdown) { runtime in
      let (near, _) = try await runtime.connectedPair()
      let listener = try await runtime.listen(on: .loopback(port: 0))
      await runtime.shutdown()
      try await expect("a read", toThrow: IOError(.read, .closed)) { try await near.read() }
      try await expect("a write", toThrow: IOError(.write, .closed)) { try await near.write("x") }
      try await expect("an accept", toThrow: IOError(.accept, .closed)) { try await listener.accept() }
      try await expect("a connect", toThrow: IOError(.connect, .closed)) {
        try await runtime.connect(to: listener.localAddress)
      }
      try await expect("listening", toThrow: IOError(.listen, .closed)) {
        try await runtime.listen(on: .loopback(port: 0))
      }
      try await expectCancellation(of: "a sleep") { try await runtime.clock.sleep(for: .seconds(3600)) }
      try await expectCancellation(of: "blocking work") { try await runtime.runBlocking {} }
    },

    Case("Shutdown waits for tasks during the grace period", .shutdown) { runtime in
      let finished = Box(Atomic(0))
      let pairs = (0..<10).map { _ in MemoryStream.pair() }
      for (_, far) in pairs {
        runtime.execute {
          try? await far.waitUntilReadable()
          for _ in 0..<10 { await Task.yield() }
          finished.value.add(1, ordering: .relaxed)
        }
      }
      // The tasks' input arrives long after the shutdown has begun.
      let helper = Task {
        try await Task.sleep(for: .milliseconds(100))
        for (near, _) in pairs { near.close() }
      }
      try await expectEnd(of: "the shutdown") { await runtime.shutdown(grace: .seconds(3600)) }
      try expect("how many of 10 tasks had ended by then", finished.value.load(ordering: .relaxed), is: 10)
      try await helper.value
    },

    Case("A task that waits for something foreign outlives the grace period and continues later", .shutdown) {
      runtime in
      let (near, far) = MemoryStream.pair()
      let stuck = runtime.spawn {
        let bytes = try await far.read()
        await Task.yield()
        async let child = bytes + bytes
        return await child
      }
      try await expectEnd(of: "the shutdown") { await runtime.shutdown(grace: .milliseconds(10)) }
      try await near.write("x")
      try await expect("the task's result", toGive: Array("xx".utf8)) { try await stuck.value }
    },

    Case("The grace period bounds shutdown even if a task blocks its worker", .shutdown, needs: .threads) { runtime in
      // A runtime with one thread may end on that thread.
      guard runtime.workerCount > 1 else { return }
      let (isStuck, hasReturned) = (Gate(), Gate())
      let stuck = runtime.spawn {
        isStuck.open()
        return hasReturned.wait(for: .seconds(60))
      }
      try await expectEventually("a worker to get stuck") { isStuck.isOpen }
      let waiting = runtime.spawn { await Task.yield() }
      try await expectEnd(of: "the shutdown") { await runtime.shutdown(grace: .milliseconds(10)) }
      hasReturned.open()
      try await expect("whether the shutdown returned while a task blocked its worker", toGive: true) {
        try await stuck.value
      }
      try await expectEnd(of: "a task that was ready behind it") { try await waiting.value }
    },

    Case("A task woken after shutdown runs even if another one keeps its worker", .shutdown, needs: .threads) {
      runtime in
      // A runtime with one thread may end on that thread.
      guard runtime.workerCount > 1 else { return }
      let (isStuck, hasEnded, mayReturn) = (Gate(), Gate(), Gate())
      defer { for gate in [hasEnded, mayReturn] { gate.open() } }
      let (near, far) = MemoryStream.pair()
      let waiting = runtime.spawn { try await far.waitUntilReadable() }
      let stuck = runtime.spawn {
        isStuck.open()
        _ = hasEnded.wait(for: .seconds(60))
        near.close()
        return mayReturn.wait(for: .seconds(60))
      }
      try await expectEventually("a worker to get stuck") { isStuck.isOpen }
      try await expectEnd(of: "the shutdown") { await runtime.shutdown(grace: .milliseconds(10)) }
      hasEnded.open()
      try await expectEnd(of: "a task that is woken") { try await waiting.value }
      mayReturn.open()
      try await expect("whether that ran while the other kept its worker", toGive: true) { try await stuck.value }
    },

    Case("A task that is started after shutdown still runs", .shutdown) { runtime in
      await runtime.shutdown()
      try await expect("what it gives", toGive: [7]) {
        try await runtime.spawn {
          await Task.yield()
          return try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
              try await Task.sleep(for: .milliseconds(2))
              return 7
            }
            return try await group.reduce(into: []) { $0.append($1) }
          }
        }.value
      }
    },

    Case("A runtime's own task can shut it down", .shutdown) { runtime in
      // If the task waited for itself, the grace period would outlast the case.
      try await runtime.spawnAndWait("the task that shuts down") { await runtime.shutdown(grace: .seconds(3600)) }
      try await expectEnd(of: "a second shutdown") { await runtime.shutdown() }
    },

    .makingRuntimes("A runtime's task that shuts it down through other tasks does not wait for itself", .shutdown) {
      trial in
      let ways: [(String, @Sendable (any AsyncRuntime) async -> Void)] = [
        (
          "a child task",
          { runtime in
            async let end: Void = runtime.shutdown(grace: .seconds(3600)); await end
          }
        ),
        (
          "a Task { } that it awaits", { runtime in await Task { await runtime.shutdown(grace: .seconds(3600)) }.value }
        ),
      ]
      for (way, shutDown) in ways {
        let runtime = try await trial.makeRuntime()
        try await runtime.spawnAndWait("the task that shuts down by \(way)") { await shutDown(runtime) }
      }
    },

    .makingRuntimes(
      "A runtime's task that shuts it down on the main actor does not wait for itself", .shutdown, needs: .threads
    ) { trial in
      let runtime = try await trial.makeRuntime()
      try await runtime.spawnAndWait("the task that shuts down on the main actor") {
        await shutDownOnMainActor(runtime)
      }
    },

    Case("Tasks of a runtime that shut it down concurrently do not wait for each other", .shutdown) { runtime in
      let tasks = (0..<3).map { _ in
        runtime.spawn {
          await Task.yield()
          await runtime.shutdown(grace: .seconds(3600))
        }
      }
      for task in tasks { try await expectEnd(of: "one of 3 tasks that shut down") { try await task.value } }
    },

    Case("A foreign task that prefers the runtime's executor waits for the runtime's tasks", .shutdown) { runtime in
      guard let executor = runtime.taskExecutor else { return }
      let finished = Box(Atomic(false))
      let called = Box(Atomic(false))
      let (near, far) = MemoryStream.pair()
      runtime.execute {
        try? await far.waitUntilReadable()
        for _ in 0..<10 { await Task.yield() }
        finished.value.store(true, ordering: .relaxed)
      }
      let guest = Task.detached(executorPreference: executor) {
        called.value.store(true, ordering: .relaxed)
        await runtime.shutdown(grace: .seconds(3600))
        return finished.value.load(ordering: .relaxed)
      }
      try await expectEventually("the call of shutdown") { called.value.load(ordering: .relaxed) }
      for _ in 0..<100 { await Task.yield() }
      near.close()
      try await expect("whether the runtime's task had ended when the shutdown returned", toGive: true) {
        await guest.value
      }
    },

    Case("A Task { } that has outlived the runtime's task that started it waits for the others", .shutdown) { runtime in
      let finished = Box(Atomic(false))
      let called = Box(Atomic(false))
      let (near, far) = MemoryStream.pair()
      let (start, hasStarted) = MemoryStream.pair()
      let orphan = try await runtime.spawnAndWait("a task that starts another") {
        Task {
          try await hasStarted.waitUntilReadable()
          called.value.store(true, ordering: .relaxed)
          await runtime.shutdown(grace: .seconds(3600))
          return finished.value.load(ordering: .relaxed)
        }
      }
      try await expectEventually("the count of tasks to come down to 0") { runtime.metrics.tasks == 0 }
      runtime.execute {
        try? await far.waitUntilReadable()
        for _ in 0..<10 { await Task.yield() }
        finished.value.store(true, ordering: .relaxed)
      }
      start.close()
      try await expectEventually("the call of shutdown") { called.value.load(ordering: .relaxed) }
      for _ in 0..<100 { await Task.yield() }
      near.close()
      try await expect("whether the runtime's task had ended when the shutdown returned", toGive: true) {
        try await orphan.value
      }
    },

    .makingRuntimes("However many shutdowns are waiting, another one completes", .shutdown) { trial in
      // Each shutdown waits for a task that waits for the end of the next shutdown, which begins later.
      let count = 100
      let pairs = (0...count).map { _ in MemoryStream.pair() as (near: MemoryStream, far: MemoryStream) }
      let hasBegun = Box(Atomic(0))
      var ends: [Task<Void, Never>] = []
      for number in 0..<count {
        let runtime = try await trial.makeRuntime()
        let (own, next) = (pairs[number].near, pairs[number + 1].far)
        runtime.execute { try? await next.waitUntilReadable() }
        ends.append(
          Task {
            hasBegun.value.add(1, ordering: .relaxed)
            await runtime.shutdown(grace: .seconds(3600))
            own.close()
          })
        try await expectEventually("a shutdown to begin") { hasBegun.value.load(ordering: .relaxed) == number + 1 }
      }
      pairs[count].near.close()
      for end in ends {
        try await expectEnd(of: "one of \(count) shutdowns, each of which waits for another") { await end.value }
      }
    },

    Case("A negative grace period ends at once", .shutdown) { runtime in
      let (near, far) = MemoryStream.pair()
      let stuck = runtime.spawn { try await far.read() }
      try await expectEnd(of: "the shutdown") { await runtime.shutdown(grace: .seconds(-100_000)) }
      try await near.write("x")
      try await expect("the result of the task that was not waited for", toGive: Array("x".utf8)) {
        try await stuck.value
      }
    },

    .makingRuntimes("Concurrent shutdowns all return once the runtime's tasks have ended", .shutdown) { trial in
      for _ in 0..<10 {
        let runtime = try await trial.makeRuntime()
        let finished = Box(Atomic(false))
        let (near, far) = MemoryStream.pair()
        runtime.execute {
          try? await far.waitUntilReadable()
          finished.value.store(true, ordering: .relaxed)
        }
        try await expect("whether the runtime's task had ended when each returned", toGive: [true, true, true, true]) {
          await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
              group.addTask {
                await runtime.shutdown(grace: .seconds(3600))
                return finished.value.load(ordering: .relaxed)
              }
            }
            // By now all shutdowns have begun, and the task that waits for the stream keeps them waiting.
            for _ in 0..<100 { await Task.yield() }
            near.close()
            return await group.reduce(into: []) { $0.append($1) }
          }
        }
      }
    },

    .makingRuntimes("Shutting down one runtime does not affect another", .shutdown) { trial in
      let (first, second) = (try await trial.makeRuntime(), try await trial.makeRuntime())
      let sleeping = second.spawn { try await second.clock.sleep(for: .milliseconds(20)) }
      let (near, far) = try await second.connectedPair()
      let reading = second.spawn { try await far.read() }
      await first.shutdown()
      try await near.write("x")
      try await expect("what the other's task reads", toGive: Array("x".utf8)) { try await reading.value }
      try await expectEnd(of: "the other's sleep") { try await sleeping.value }
      try await expect("the other's blocking work", toGive: 1) { try await second.runBlocking { 1 } }
    },

    .makingRuntimes("Shutdown waits for blocking work during the grace period", .shutdown, needs: .threads) { trial in
      let runtime = try await trial.makeRuntime()
      let (begun, gate) = (Gate(), Gate())
      let work = runtime.spawn {
        try await runtime.runBlocking {
          begun.open()
          return gate.wait(for: trial.patience)
        }
      }
      try await expectEventually("the work to begin") { begun.isOpen }
      let opener = Task {
        try await Task.sleep(for: .milliseconds(20))
        gate.open()
      }
      try await expectEnd(of: "the shutdown") { await runtime.shutdown(grace: .seconds(3600)) }
      try await expect("whether the work came to its end", toGive: true) { try await work.value }
      try await opener.value
    },

    .makingRuntimes("Shutdown does not wait for blocking work beyond the grace period", .shutdown, needs: .threads) {
      trial in
      let runtime = try await trial.makeRuntime()
      let (begun, gate, end) = (Gate(), Gate(), Gate())
      let work = runtime.spawn {
        try await runtime.runBlocking {
          begun.open()
          _ = gate.wait(for: trial.patience)
          end.open()
        }
      }
      try await expectEventually("the work to begin") { begun.isOpen }
      try await expectEnd(of: "the shutdown") { await runtime.shutdown(grace: .milliseconds(10)) }
      try expect("whether the work had ended by then", end.isOpen, is: false)
      gate.open()
      _ = await work.result
      try await expectEventually("the work to end then") { end.isOpen }
    },
  ]
}

@MainActor private func shutDownOnMainActor(_ runtime: any AsyncRuntime) async {
  await runtime.shutdown(grace: .seconds(3600))
}
