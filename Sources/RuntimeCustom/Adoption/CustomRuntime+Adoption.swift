extension CustomRuntime {
  /// Has the runtime's workers run all tasks of the process that name no executor, whatever package has started them:
  /// `Task {}`, `Task.detached`, their child tasks, and the actors that they call. `#[tokio::main]` does the same.
  ///
  /// An experiment: it leans on what Swift's library can do and no proposal has promised. `docs/the-process-on-our-pool.md`
  /// says what it is good for.
  ///
  /// - What is there already comes over when it goes on for the next time. The main actor, and actors and tasks with
  ///   executors of their own, stay where they are.
  /// - Priorities count, in three classes: `high` and above, `low` and below, and what is between. A job that is passed
  ///   over sixteen times goes next. The tasks of the runtime itself have none, as before.
  /// - `Task.sleep` uses the workers' timers.
  /// - `withTaskExecutorPreference`, ``spawn(_:_:)`` and the runtime's own tasks mean what they meant. For Swift a task
  ///   that is run in this way has no executor, and a call between it and a task of the runtime changes executors.
  /// - A job that blocks keeps its worker, and the watchdog sees to the others (`StallOptions`).
  ///
  /// The runtime has the process until ``ProcessAdoption/giveBack()`` is called or the runtime is shut down, whichever is
  /// first. Dropping the value does neither. Any thread may call.
  ///
  /// - Throws: ``AdoptionRefused`` if a runtime has the process already, if this one is shut down, or if Swift's library
  ///   has no such hook.
  @_spi(Experimental)
  @discardableResult
  public func adoptProcess() throws(AdoptionRefused) -> ProcessAdoption {
    ProcessAdoption(try Adoption.begin(on: scheduler) { isEnding })
  }
}

/// The time in which a runtime has the process; see `CustomRuntime.adoptProcess()`.
@_spi(Experimental)
public struct ProcessAdoption: Sendable {
  private let adoption: Adoption

  init(_ adoption: Adoption) { self.adoption = adoption }

  /// How many jobs the runtime has been given so far. A job is one stretch of a task, from where it is made ready to where
  /// it waits.
  public var jobCount: Int { adoption.jobCount }

  /// Gives the process back to Swift's own pool, if the runtime has it still. It does not wait.
  ///
  /// Jobs that are ready go to the pool, as do those that come. A job that a worker is in the middle of stays there until it
  /// waits for something. Any thread may call, also in such a job.
  public func giveBack() { adoption.end() }
}

/// Why a runtime may not adopt the process.
@_spi(Experimental)
public enum AdoptionRefused: Error, Hashable, CustomStringConvertible {
  /// A runtime of the process has adopted it, perhaps the same one.
  case alreadyAdopted
  /// The runtime is shut down, or is being shut down.
  case shutDown
  /// This toolchain's library has no hook for the jobs of its pool (`swift_task_enqueueGlobal_hook`).
  case unsupported

  public var description: String {
    switch self {
    case .alreadyAdopted: "a runtime has adopted this process already, and has not given it back"
    case .shutDown: "a runtime that is shut down cannot adopt the process"
    case .unsupported: "Swift's library has no swift_task_enqueueGlobal_hook, so the process cannot be adopted"
    }
  }
}
