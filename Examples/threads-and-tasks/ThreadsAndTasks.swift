import Glibc
import Runtime
import RuntimeSelection

/// Runs three jobs that do nothing for two seconds, on threads and as tasks, and prints how long each way takes.
@main enum ThreadsAndTasks {
  static func main() throws {
    let seconds = CommandLine.arguments.dropFirst().first.flatMap(Double.init) ?? 2
    let nap = Duration.seconds(seconds)
    var settings = try RuntimeSettings.fromEnvironment()
    let relief = settings.reliefWorkers
    settings.reliefWorkers = 0

    report("one after another", ContinuousClock().measure { for _ in 1...3 { block(for: nap) } })
    report("on three threads, joined", ContinuousClock().measure { onThreads(3) { block(for: nap) } })
    for workers in [2, 1] {
      settings.workers = workers
      print("tasks on \(workers) worker\(workers == 1 ? "" : "s"):")
      for job in Job.allCases {
        report("  three that \(job.rawValue)", try settings.run(Tasks(count: 3, job: job, nap: nap)))
      }
    }
    settings.reliefWorkers = relief
    report("  three that block their thread, with relief", try settings.run(Tasks(count: 3, job: .block, nap: nap)))
    settings.reliefWorkers = 0
    let (crowd, before) = (10_000, peakMemory())
    report("  \(crowd) that await a sleep", try settings.run(Tasks(count: crowd, job: .sleep, nap: nap)))
    print("  which took \((peakMemory() - before) * 1024 / crowd) bytes of memory each")
  }

  /// Prints a line with a duration.
  static func report(_ what: String, _ duration: Duration) {
    let tenths = Int((duration / .milliseconds(100)).rounded())
    print("\(what): \(tenths / 10).\(tenths % 10) s")
    fflush(nil)
  }
}

/// How a job spends its two seconds.
enum Job: String, CaseIterable {
  case block = "block their thread"
  case sleep = "await a sleep"
  case blockElsewhere = "await a thread that blocks"
}

/// Runs `count` jobs at once, each in a task of its own.
struct Tasks: RuntimeProgram {
  let count: Int
  let job: Job
  let nap: Duration

  /// Returns the time until all jobs were done.
  func run(on runtime: some AsyncRuntime) async throws -> Duration {
    let clock = runtime.clock
    return try await clock.measure {
      try await withThrowingDiscardingTaskGroup { tasks in
        for _ in 0..<count {
          tasks.addTask {
            switch job {
            case .block: block(for: nap)
            case .sleep: try await clock.sleep(for: nap)
            case .blockElsewhere: try await runtime.runBlocking { block(for: nap) }
            }
          }
        }
      }
    }
  }
}

/// The peak memory use of this process, in KiB.
func peakMemory() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss
}
