import Runtime

/// Short tasks, all started by one task and so on one worker. It shows whether another worker takes its share.
enum SkewedLoad {
  static let figures = [
    Figure(name: "rate", title: "10 us tasks of one worker", unit: "k/s", better: .higher),
    Figure(name: "p50", title: "  40 at once every 1 ms: done within, p50", unit: "us", better: .lower),
    Figure(name: "p99", title: "  the same, p99", unit: "us", better: .lower),
  ]

  private static let work = Duration.microseconds(10)

  /// Returns thousands of tasks a second at full speed, and the p50 and p99 of the microseconds from a task's start to
  /// its end where 40 tasks start every millisecond or two, about a third of what one core can do.
  static func measure(_ executor: some SleepingExecutor) async throws -> [Double] {
    let rate = try await rate(executor)
    let latencies = try await latencies(executor).sorted()
    return [rate, latencies[latencies.count / 2], latencies[latencies.count * 99 / 100]]
  }

  private static func rate(_ executor: some SleepingExecutor) async throws -> Double {
    let (batches, batch) = (100, 200)
    return try await executor.spawn {
      let time = try await ContinuousClock().measure {
        for _ in 0..<batches {
          let tasks = (0..<batch).map { _ in executor.spawn { spin() } }
          for task in tasks { try await task.value }
        }
      }
      return Double(batches * batch) / time.seconds / 1e3
    }.value
  }

  private static func latencies(_ executor: some SleepingExecutor) async throws -> [Double] {
    let (bursts, burst) = (200, 40)
    return try await executor.spawn {
      var latencies: [Double] = []
      for _ in 0..<bursts {
        try await executor.sleep(for: .milliseconds(1))
        let tasks = (0..<burst).map { _ in
          let start = ContinuousClock.now
          return executor.spawn {
            spin()
            return (ContinuousClock.now - start).seconds * 1e6
          }
        }
        for task in tasks { latencies.append(try await task.value) }
      }
      return latencies
    }.value
  }

  private static func spin() {
    let end = ContinuousClock.now + work
    while ContinuousClock.now < end {}
  }
}
