import Runtime
import RuntimePrimitives

/// A thread that runs simulations one after another, and the executor of the task that starts them.
///
/// A simulation runs between the jobs of that task and not within one, because jobs run inside a task would take that
/// task for their own.
final class SimulationThread: TaskExecutor {
  private struct State {
    var jobs: [UnownedJob] = []
    var runs: [@Sendable () -> Void] = []
    var isOver = false
  }

  private let state = Monitor(State())

  init() throws(IOError) {
    let thread = try Thread(name: "gearbox-sim") { [self] in main() }
    // Not joined: the thread ends soon after `stop`.
    thread.detach()
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.jobs.append(job) }
    state.notifyOne()
  }

  /// Runs `body` on the thread, in no task. Call it from the task that prefers this executor.
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

  func stop() {
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
