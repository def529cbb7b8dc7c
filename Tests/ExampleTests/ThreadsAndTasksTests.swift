import Runtime
import RuntimeSelection
import RuntimeSimulation
import RuntimeTestSupport
import Synchronization
import Testing

@testable import threads_and_tasks

/// The jobs of chapter 5. Their times are exact in virtual time; in real time the tests only check that nothing ends
/// too early.
@Suite struct ThreadsAndTasksTests {
  @Test(arguments: [1, 3, 1000])
  func `Sleeping tasks take no longer than one`(count: Int) async throws {
    try await simulate(seeds: 1...5) { runtime in
      let duration = try await Tasks(count: count, job: .sleep, nap: .seconds(2)).run(on: runtime)
      #expect(duration == .seconds(2))
    }
  }

  @Test(arguments: RuntimeKind.allCases)
  func `Blocking tasks delay each other on one worker`(kind: RuntimeKind) async throws {
    let nap = Duration.milliseconds(20)
    let duration = try await onThreadOfItsOwn {
      var settings = RuntimeSettings(kind: kind, workers: 1)
      settings.reliefWorkers = 0
      return try settings.run(Tasks(count: 3, job: .block, nap: nap))
    }
    #expect(duration >= nap * 3)
  }

  @Test func `Threads are joined`() async {
    let count = await onThreadOfItsOwn {
      let count = Atomic(0)
      onThreads(3) { count.add(1, ordering: .relaxed) }
      return count.load(ordering: .relaxed)
    }
    #expect(count == 3)
  }
}
