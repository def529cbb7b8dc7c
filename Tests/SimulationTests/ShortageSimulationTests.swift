import Glibc
import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import Synchronization
import Testing

/// A server and a runtime that run out of descriptors or threads.
struct ShortageSimulationTests {
  @Test func `A server without descriptors says so at once, and then no more than once in ten seconds`() async throws {
    var faults = FaultPlan.none
    faults.acceptFailures = 1
    try await simulate(seeds: 1...3, faults: faults) { runtime in
      let lines = Recorder<(text: String, time: Duration)>()
      let start = runtime.clock.now
      var options = ServerOptions()
      options.log = { lines.record(($0.message, start.duration(to: runtime.clock.now))) }
      let server = try await Server(
        runtime: runtime, address: .loopback(port: 80), options: options,
        handler: HandlerFunction { _ in .text("hello") })
      let serving = runtime.spawn { try await server.run() }
      // Accepting each takes a hundred attempts, which is two seconds.
      for _ in 0..<12 {
        let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
        try expect(try await client.get("/").text == "hello", "a client is not served")
        client.stream.close()
      }
      await server.shutdown()
      try await serving.value
      let times = lines.elements.map(\.time)
      try expect(times.count == 3, "\(times.count) lines in 24 s")
      try expect(times[0] < .seconds(1), "the first comes after \(times[0])")
      try expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= .seconds(10) }, "they come at \(times)")
      let text = lines.elements[0].text
      let expected = "\(IOError(.accept, .system(EMFILE))); 0 connections are open, others have to wait"
      try expect(text == expected, text)
    }
  }

  @Test func `Blocking work beyond the limits is refused, and the rest is done`() async throws {
    try await simulate(seeds: 1...1) { runtime in
      let done = Recorder<Int>()
      let refused = Recorder<Int>()
      // About a third of them wait at the same time.
      let tasks = (0..<20_000).map { number in
        runtime.spawn {
          do {
            done.record(try await runtime.runBlocking { number })
          } catch is BlockingWorkRefused {
            refused.record(number)
          }
        }
      }
      for task in tasks { try await task.value }
      let count = (done: done.elements.count, refused: refused.elements.count)
      try expect(count.refused > 0 && count.done + count.refused == 20_000, "\(count)")
      try expect(runtime.metrics.refusedBlockingCalls == count.refused, "\(runtime.metrics.refusedBlockingCalls)")
      try expect(try await runtime.runBlocking { 1 } == 1, "later calls are refused")
    }
  }
}
