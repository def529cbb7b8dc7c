import Glibc
import Runtime
import RuntimePrimitives
import Synchronization

extension RuntimeConformance {
  /// Jobs that keep a worker for long, and everything beside them.
  static let stalls: [Case] = [
    Case(
      "A worker stuck in a job delays nothing that another worker could do", .executor,
      needs: [.threads, .realTime, .realDescriptors]
    ) { runtime in
      // With one worker there is no other worker to continue.
      guard runtime.workerCount > 1 else { return }
      let listener = try await runtime.listen(on: .loopback(port: 0))
      defer { listener.close() }
      // Enough of each kind that the stuck worker gets a share, whatever the distribution.
      let count = runtime.workerCount * 4
      var pairs: [(any ByteStream, any ByteStream)] = []
      for _ in 0..<count { pairs.append(try await runtime.connectedPair()) }
      let (isStuck, gate) = (Gate(), Gate())
      let stuck = runtime.spawn {
        isStuck.open()
        // Blocks until everything else is done, or the case has been given up.
        _ = gate.wait(for: .seconds(60))
      }
      defer { gate.open() }
      try await expectEventually("a worker to get stuck") { isStuck.isOpen }
      for (near, far) in pairs {
        let echo = runtime.spawn { try await far.write(try await far.read()) }
        try await near.write("x")
        try await expect("an echo while a worker is stuck", toGive: Array("x".utf8)) { try await near.read() }
        try await expectEnd(of: "the echo's task") { try await echo.value }
      }
      for _ in 0..<count {
        try await expectEnd(of: "a sleep while a worker is stuck") {
          try await runtime.clock.sleep(for: .milliseconds(1))
        }
        try await runtime.spawnAndWait("a task's sleep while a worker is stuck") {
          try await runtime.clock.sleep(for: .milliseconds(1))
        }
        try await expectEnd(of: "connecting while a worker is stuck") {
          let far = try await runtime.connect(to: listener.localAddress)
          let near = try await listener.accept()
          near.close()
          far.close()
        }
      }
      gate.open()
      try await expectEnd(of: "the task that was stuck") { try await stuck.value }
    },

    Case(
      "An expired sleep waits for a few jobs at most, however long they are", .executor,
      needs: [.threads, .realTime]
    ) { runtime in
      // If jobs of all workers are counted together, the bound applies per worker.
      let bound = 30 * runtime.workerCount
      let (due, count, isOver) = (Box(Atomic(Int64.max)), Box(Atomic(0)), Box(Atomic(false)))
      let tasks = (0..<runtime.workerCount * 2).map { _ in
        runtime.spawn {
          while !isOver.value.load(ordering: .relaxed) {
            spin(.milliseconds(2))
            if MonotonicTime.now >= due.value.load(ordering: .relaxed) { count.value.add(1, ordering: .relaxed) }
            await Task.yield()
          }
        }
      }
      defer { isOver.value.store(true, ordering: .relaxed) }
      for _ in 0..<8 {
        count.value.store(0, ordering: .relaxed)
        let jobs = try await expectEnd(of: "a sleep beside tasks that always have something to do") {
          try await runtime.spawn {
            due.value.store(MonotonicTime.deadline(after: .milliseconds(6)), ordering: .relaxed)
            try await runtime.clock.sleep(for: .milliseconds(5))
            due.value.store(.max, ordering: .relaxed)
            return count.value.load(ordering: .relaxed)
          }.value
        }
        try expect(
          "how many jobs of two milliseconds ran before an expired sleep ended", toBe: "at most \(bound)",
          jobs <= bound, saw: "\(jobs)")
      }
      isOver.value.store(true, ordering: .relaxed)
      for task in tasks { try await expectEnd(of: "a task that was told to stop") { try await task.value } }
    },
  ]

  /// Computes for `duration` of the thread's own processor time, so that a busy machine does not lengthen the job.
  private static func spin(_ duration: Duration) {
    let end = processorTime() + duration.nanoseconds
    while processorTime() < end {}
  }

  private static func processorTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
