/// A failed run: why it failed, what its tasks were waiting for, its faults, and its last events.
public struct SimulationFailure: Error, Sendable {
  /// The reason why a run failed.
  public enum Cause: Sendable {
    /// The body, or a host's program, threw an error.
    case thrown(any Error)
    /// No task was ready, and none ever would be: tasks waited for each other, or for something outside the simulation.
    case deadlock
    /// Jobs ran without end (``SimulationLimits/jobsWithoutPause``), as when tasks wait by yielding.
    case livelock
    /// The run took more simulated time than ``SimulationLimits/time``.
    case timeLimit
    /// The run took more real time than ``SimulationLimits/realTime``.
    case realTimeLimit
    /// Time advanced, but tasks only slept again (``SimulationLimits/ticksWithoutProgress``): a timer ticks, and all
    /// other tasks wait.
    case standstill
    /// The invariant of this name did not hold (``SimulatedRuntime/invariant(_:at:_:)``).
    case violation(String)
    /// The run's choices differed from those of an earlier run that began alike, so some state outlives a run.
    case unrepeatable
    /// Tasks had not ended after the body had ended and everything was closed. The value is their number.
    case tasksLeft(Int)
    /// Another thread interfered with the run, which therefore cannot be repeated.
    case outsideInterference
  }

  /// The seed that repeats the run.
  public let seed: UInt64
  /// The schedule that repeats the run.
  public internal(set) var schedule = Schedule.random
  /// The reason why the run failed.
  public let cause: Cause
  /// What each waiting task was waiting for.
  public var waits: [String] { waiters.map { "\(journal.name(ofTask: $0.task)) \($0.reason)" } }
  /// The faults of the run; after shrinking, only those that the failure needs.
  public internal(set) var faults: [Fault]
  /// The number of faults before shrinking.
  public internal(set) var faultCount: Int
  /// The waiting tasks, in the order in which they began to wait.
  let waiters: [Waiter]
  let hosts: [SimulatedHost]
  let journal: Journal
  /// The number of events when the run failed. Later events are those of shutting down.
  let eventCount: Int
  /// The last events. Where there are many of them, events of tasks that only ran and slept are left out.
  let lastEvents: [String]

  /// All events of the run. Each access formats them again.
  public var trace: SimulationTrace { SimulationTrace(journal) }

  /// The run up to its failure, as an HTML page: the hosts side by side, time downwards, messages as arrows. Of a long
  /// run, the page shows the end and the events around the ``faults``. Each access draws it again.
  public var picture: String { RunPicture(self).page }
}

extension SimulationFailure: CustomStringConvertible {
  /// Several lines: what failed, what tasks were waiting for, the faults, the last events, and how to repeat the run.
  public var description: String {
    var lines = ["A simulation failed: \(cause)"]
    func list(_ title: String, _ items: [String]) {
      if items.isEmpty { return }
      lines.append("\(title):")
      lines += items.map { "  \($0)" }
    }
    list("Waiting tasks", waits)
    list(
      faults.count < faultCount ? "Of \(faultCount) faults these are enough" : "Faults",
      faults.map(\.description))
    list("Last events", lastEvents)
    lines.append(schedule.repetition(of: seed))
    return lines.joined(separator: "\n")
  }
}

extension SimulationFailure.Cause {
  /// Returns whether two runs failed in the same way, as far as that is known: errors of the same type are alike.
  func isLike(_ other: SimulationFailure.Cause) -> Bool {
    switch (self, other) {
    case (.thrown(let mine), .thrown(let its)): type(of: mine) == type(of: its)
    case (.violation(let mine), .violation(let its)): mine == its
    case (.deadlock, .deadlock), (.livelock, .livelock), (.standstill, .standstill): true
    case (.timeLimit, .timeLimit), (.realTimeLimit, .realTimeLimit): true
    case (.tasksLeft, .tasksLeft), (.outsideInterference, .outsideInterference): true
    default: false
    }
  }
}

extension SimulationFailure.Cause: CustomStringConvertible {
  /// The cause in words, as in "deadlock: no task was ready to run, and none waited for a time".
  public var description: String {
    switch self {
    case .thrown(let error): "it threw \(error)"
    case .deadlock: "deadlock: no task was ready to run, and none waited for a time"
    case .livelock: "livelock: jobs ran without a pause"
    case .timeLimit: "it took too much time"
    case .realTimeLimit: "it took too much real time"
    case .standstill: "standstill: time advanced, but tasks only slept again"
    case .violation(let name): "the invariant \"\(name)\" did not hold"
    case .unrepeatable: "its choices differed from those of an earlier run that began alike: some state outlives a run"
    case .tasksLeft(let count): "\(count) of its tasks had not ended after everything was closed"
    case .outsideInterference: "another thread interfered, so the run cannot be repeated"
    }
  }
}

/// The events of a run, one line for each: the time, the task, and what happened.
public struct SimulationTrace: Hashable, Sendable, CustomStringConvertible {
  /// The events, in order.
  public let lines: [String]

  init(_ journal: Journal) {
    let forgotten = journal.forgottenCount
    lines = (forgotten > 0 ? ["(\(forgotten) events are left out)"] : []) + journal.events.map(journal.text(of:))
  }

  /// All lines, each followed by a newline.
  public var description: String { lines.map { $0 + "\n" }.joined() }

  /// The first difference between two traces.
  public struct Difference: Hashable, Sendable {
    /// The number of the first line that differs, counted from 0.
    public let line: Int
    /// That line in each trace; `nil` if the trace ends before it.
    public let here: String?, there: String?
  }

  /// Returns where this trace and `other` first differ; `nil` if they are equal.
  public func firstDifference(from other: SimulationTrace) -> Difference? {
    for index in 0..<max(lines.count, other.lines.count) {
      let here = index < lines.count ? lines[index] : nil
      let there = index < other.lines.count ? other.lines[index] : nil
      if here != there { return Difference(line: index, here: here, there: there) }
    }
    return nil
  }
}
