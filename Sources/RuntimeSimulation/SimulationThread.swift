import Runtime
import RuntimePrimitives

/// The thread that simulations are run on one after another, and the executor of the task that has them run.
///
/// A simulation is run between that task's jobs and not in one: jobs that are run inside a task would take it for theirs.
final class SimulationThread: TaskExecutor {
  private struct State {
    var jobs: [UnownedJob] = []
    var runs: [@Sendable () -> Void] = []
    var isOver = false
  }

  private let state = Monitor(State())

  init() throws(IOError) {
    let thread = try Thread(name: "gearbox-sim") { [self] in main() }
    // Nobody waits for it: it ends soon after `end`.
    thread.detach()
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.jobs.append(job) }
    state.notifyOne()
  }

  /// Runs `body` on the thread, in no task. To be called from the task that prefers this executor.
  func run(_ body: @escaping @Sendable () -> Void) async {
    await withUnsafeContinuation { continuation in
      state.withLock { state in
        state.runs.append {
          body()
          continuation.resume()
        }
      }
      state.notifyOne()
    }
  }

  func end() {
    state.withLock { $0.isOver = true }
    state.notifyOne()
  }

  private enum Next {
    case job(UnownedJob)
    case run(@Sendable () -> Void)
    case end
  }

  private func main() {
    while true {
      let next = state.wait { state, _ -> Next? in
        if let job = state.jobs.popLast() { return .job(job) }
        if let run = state.runs.popLast() { return .run(run) }
        return state.isOver ? .end : nil
      }
      switch next {
      case .job(let job): unsafe job.runSynchronously(on: asUnownedTaskExecutor())
      case .run(let body): body()
      case .end: return
      }
    }
  }
}
