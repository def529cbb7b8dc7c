extension CustomRuntime {
  /// Makes the runtime's workers run all tasks of the process without an executor preference, whichever package starts
  /// them: `Task {}`, `Task.detached`, their child tasks, and the actors that they call. `#[tokio::main]` does the
  /// same.
  ///
  /// This is experimental: it depends on features of Swift's library that no proposal guarantees. See
  /// `docs/the-process-on-our-pool.md` for its uses.
  ///
  /// - Existing tasks move when they resume for the next time. The main actor, and actors and tasks with their own
  ///   executors, are not affected.
  /// - Priorities count, in three classes: `high` and above, `low` and below, and those in between. A job that has been
  ///   passed over sixteen times is next. The priorities of the runtime's own tasks are still ignored.
  /// - `Task.sleep` uses the workers' timers.
  /// - `withTaskExecutorPreference`, ``spawn(_:_:)`` and the runtime's own tasks are not affected. To Swift, an adopted
  ///   task has no executor, so a call between it and a task of the runtime switches executors.
  /// - A job that blocks keeps its worker, and the watchdog relieves the others (`StallOptions`).
  ///
  /// The adoption ends when ``ProcessAdoption/giveBack()`` is called or the runtime is shut down. Dropping the value
  /// does not end it. It may be called from any thread.
  ///
  /// - Throws: ``AdoptionRefused`` if a runtime has already adopted the process, if this one has been shut down, or if
  ///   Swift's library lacks the hook.
  @_spi(Experimental)
  @discardableResult
  public func adoptProcess() throws(AdoptionRefused) -> ProcessAdoption {
    ProcessAdoption(try Adoption.begin(on: scheduler) { isEnding })
  }
}

/// An adoption of the process by a runtime; see `CustomRuntime.adoptProcess()`.
@_spi(Experimental)
public struct ProcessAdoption: Sendable {
  private let adoption: Adoption

  init(_ adoption: Adoption) { self.adoption = adoption }

  /// The number of jobs that the runtime has received so far. A job is one stretch of a task, from being made ready to
  /// its next wait.
  public var jobCount: Int { adoption.jobCount }

  /// Ends the adoption, unless it has already ended. It does not wait.
  ///
  /// Ready jobs and later ones go to Swift's own pool. A job that a worker is running stays there until its task waits.
  /// It may be called from any thread, including from such a job.
  public func giveBack() { adoption.end() }
}

/// The reason why a runtime cannot adopt the process.
@_spi(Experimental)
public enum AdoptionRefused: Error, Hashable, CustomStringConvertible {
  /// A runtime, possibly the same one, has already adopted the process.
  case alreadyAdopted
  /// The runtime has been shut down or is shutting down.
  case shutDown
  /// The toolchain's library lacks the hook for jobs of its pool (`swift_task_enqueueGlobal_hook`).
  case unsupported

  public var description: String {
    switch self {
    case .alreadyAdopted: "a runtime has already adopted this process and not given it back"
    case .shutDown: "a runtime that has been shut down cannot adopt the process"
    case .unsupported: "Swift's library has no swift_task_enqueueGlobal_hook, so the process cannot be adopted"
    }
  }
}
