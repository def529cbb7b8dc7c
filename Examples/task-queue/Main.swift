import Glibc
import Runtime

/// Three tasks on one thread, while the main thread is blocked; then a task that fails; then one started by Gearbox.
@main enum Main {
  static func main() throws {
    let tasks = ["one", "two", "three"].map { name in
      spawnTask {
        try await TaskQueue.shared.sleep(for: .seconds(3))
        say("\(name): has slept for 3 s")
        try await TaskQueue.shared.sleep(for: .seconds(2))
        say("\(name): has slept for 2 s more")
      }
    }
    say("main: blocks its thread for 5 s")
    sleep(5)
    try blockOn {
      for task in tasks { try await task.value }
    }
    say("main: has waited for all three")

    let failing = spawnTask { throw IOError(.read, .closed) }
    do {
      try blockOn { try await failing.value }
    } catch {
      say("main: a task has thrown an error, \(error)")
    }
    TaskQueue.shared.execute { say("four: the queue goes on, and is an Executor now") }
    try blockOn {}
  }

  /// Prints a line with the time since the first line.
  static func say(_ line: String) {
    let tenths = Int((start.duration(to: .now) / .milliseconds(100)).rounded())
    print("\(tenths / 10).\(tenths % 10) s  \(line)")
  }

  private static let start = ContinuousClock.now
}

/// A `TaskExecutor` needs only this declaration to be an `Executor`.
extension TaskQueue: Executor {}
