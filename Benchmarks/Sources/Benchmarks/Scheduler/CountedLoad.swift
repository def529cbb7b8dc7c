import Runtime
import RuntimeConcurrency
import RuntimeCustom
import RuntimeDispatch

/// A load whose instructions a tool such as valgrind counts. `scripts/check-costs` runs it.
///
/// A process runs it once, for a given number of rounds. The cost of a round is the difference to a longer run.
struct CountedLoad: Equatable {
  let subject: String
  let name: String
  let count: Int

  /// Runs it with one worker, so that the order is the same each time, and without a watchdog thread.
  func run() async throws {
    switch name {
    case SpawnAndJoin.name: try await run(SpawnAndJoin.self)
    case Yield.name: try await run(Yield.self)
    case TaskYield.name: try await run(TaskYield.self)
    case PingPong.name: try await run(PingPong.self)
    case Sleep.name: try await run(Sleep.self)
    default: throw Unavailable("the instructions of \(name) cannot be counted")
    }
  }

  private func run<Load: TaskLoad>(_ load: Load.Type) async throws {
    _ =
      switch subject {
      case "custom": try await Load.run(count, on: CustomRuntime(workers: 1, stalls: nil))
      case "dispatch": try await Load.run(count, on: DispatchRuntime(workers: 1, stalls: nil))
      case "concurrency": try await Load.run(count, on: ConcurrencyRuntime(workers: 1, stalls: nil))
      case "Swift": try await Load.run(count, on: SwiftPool())
      default: throw Unavailable("there is no subject \(subject) whose instructions could be counted")
      }
  }
}
