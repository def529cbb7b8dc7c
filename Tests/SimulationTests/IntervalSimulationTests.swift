import Runtime
import RuntimeSimulation
import Testing

/// The times of an interval's ticks, in virtual time.
struct IntervalSimulationTests {
  @Test func `Ticks do not drift, however long the work between them takes`() async throws {
    try await simulate(seeds: Seeds.few) { runtime in
      let clock = runtime.clock
      let start = clock.now
      var number = 0
      for await tick in Interval(every: .milliseconds(333), on: clock) {
        number += 1
        try expect(start.duration(to: tick) == .milliseconds(333) * number, "tick \(number) is of \(tick)")
        try expect(tick == clock.now, "tick \(number), of \(tick), came at \(clock.now)")
        try await clock.sleep(for: .nanoseconds(.random(in: 0..<333_000_000)))
        if number == 1000 { break }
      }
    }
  }

  @Test func `Late ticks come at once, and then those that are due, with other work beside them`() async throws {
    try await simulate(seeds: Seeds.many) { runtime in
      let clock = runtime.clock
      let others = runtime.spawn { while true { try await clock.sleep(for: .milliseconds(.random(in: 1...500))) } }
      var arrivals: [Duration] = []
      for await _ in Interval(every: .seconds(1), on: clock) {
        arrivals.append(clock.now.offset)
        if arrivals.count == 1 { try await clock.sleep(for: .seconds(3.5)) }
        if arrivals.count == 4 { break }
      }
      others.cancel()
      try expect(arrivals == [1, 4.5, 5, 6].map { .seconds($0) }, "ticks came at \(arrivals)")
    }
  }

  @Test func `Two loops over one interval tick from their own starts`() async throws {
    try await simulate(seeds: Seeds.few) { runtime in
      let clock = runtime.clock
      let interval = Interval(every: .seconds(10), on: clock)
      let loops = [0, 3].map { delay in
        runtime.spawn {
          try await clock.sleep(for: .seconds(delay))
          for await tick in interval { return tick.offset }
          return .zero
        }
      }
      let (first, second) = (try await loops[0].value, try await loops[1].value)
      #expect(first == .seconds(10) && second == .seconds(13))
    }
  }
}
