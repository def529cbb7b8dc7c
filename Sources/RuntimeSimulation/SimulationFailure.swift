/// A run that did not end well: why, what everybody was waiting for, what had gone wrong, and what happened last.
public struct SimulationFailure: Error, Sendable {
  /// Why a run failed.
  public enum Cause: Sendable {
    /// The body threw.
    case thrown(any Error)
    /// Nothing was ready and nothing would ever be: tasks waited for each other, or for something outside the simulation.
    case deadlock
    /// Jobs ran without end (``SimulationLimits/jobsWithoutPause``): tasks that wait for something by yielding, say.
    case livelock
    /// More time passed than was to (``SimulationLimits/time``).
    case timeLimit
    /// More real time passed than was to (``SimulationLimits/realTime``).
    case realTimeLimit
    /// Time went on and on, and nothing came of it (``SimulationLimits/ticksWithoutProgress``): something ticks, and
    /// everything else waits.
    case standstill
    /// The invariant of this name did not hold (``SimulatedRuntime/invariant(_:at:_:)``).
    case violation(String)
    /// The run did not have the choices of an earlier one that began alike: something outlives a run.
    case unrepeatable
    /// Tasks were left when the body had ended and everything had been closed; the number says how many.
    case tasksLeft(Int)
    /// Another thread had a hand in the run, which therefore cannot be repeated.
    case outsideInterference
  }

  /// The seed that gives the same run again.
  public let seed: UInt64
  /// How it was chosen whose turn it was.
  public internal(set) var schedule = Schedule.random
  /// Why it failed.
  public let cause: Cause
  /// What each task that waited was waiting for.
  public var waits: [String] { waiters.map { "\(journal.name(ofTask: $0.task)) \($0.reason)" } }
  /// What went wrong in the network, down to what it takes to make the run fail.
  public internal(set) var faults: [Fault]
  /// How many faults there were before any were left out.
  public internal(set) var faultCount: Int
  /// The tasks that waited, in the order in which they came.
  let waiters: [Waiter]
  let hosts: [SimulatedHost]
  let journal: Journal
  /// How many events there had been when it failed. The rest is how everything was closed.
  let eventCount: Int
  /// The last events, with what only ran and slept left out where there is much of it.
  let lastEvents: [String]

  /// All that happened. It is put into words each time that it is asked for.
  public var trace: SimulationTrace { SimulationTrace(journal) }

  /// What happened until the run failed, as a page of HTML for a browser: the hosts side by side, time downwards, messages as
  /// arrows. Of a long run it shows the end and what was around the ``faults``. It is drawn each time that it is asked for.
  public var picture: String { RunPicture(self).page }
}

extension SimulationFailure: CustomStringConvertible {
  /// Several lines, for people: what failed, with the last events, and how to repeat it.
  public var description: String {
    var lines = ["A simulation failed: \(cause)"]
    func list(_ title: String, _ items: [String]) {
      if items.isEmpty { return }
      lines.append("\(title):")
      lines += items.map { "  \($0)" }
    }
    list("Who was waiting", waits)
    list(
      faults.count < faultCount ? "Of \(faultCount) faults these are enough" : "Faults",
      faults.map(\.description))
    list("Last events", lastEvents)
    lines.append(repetition)
    return lines.joined(separator: "\n")
  }
}

extension SimulationFailure.Cause {
  /// Whether two runs failed in the same way, as far as can be told: errors of one type are alike.
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
  /// As in "deadlock: nothing was ready to run, and no time was waited for".
  public var description: String {
    switch self {
    case .thrown(let error): "it threw \(error)"
    case .deadlock: "deadlock: nothing was ready to run, and no time was waited for"
    case .livelock: "livelock: jobs ran on and on, and there was never a pause"
    case .timeLimit: "it took longer than it was to"
    case .realTimeLimit: "it took longer than it was to, in real time"
    case .standstill: "standstill: the time went on, and nothing happened but that tasks slept again"
    case .violation(let name): "the invariant \"\(name)\" did not hold"
    case .unrepeatable: "it did not go as an earlier run that began alike: something outlives a run"
    case .tasksLeft(let count): "\(count) of its tasks did not end when everything was closed"
    case .outsideInterference: "another thread had a hand in it, so that it cannot be repeated"
    }
  }
}

/// What happened in a run, a line an event: when, which task, what.
public struct SimulationTrace: Hashable, Sendable, CustomStringConvertible {
  /// The events, in their order.
  public let lines: [String]

  init(_ journal: Journal) {
    let forgotten = journal.forgottenCount
    lines = (forgotten > 0 ? ["(\(forgotten) events are left out)"] : []) + journal.events.map(journal.text(of:))
  }

  /// All lines, each with its end.
  public var description: String { lines.map { $0 + "\n" }.joined() }

  /// Where two runs part.
  public struct Difference: Hashable, Sendable {
    /// The number of the line, counted from 0.
    public let line: Int
    /// The line in each; `nil` where one run has ended before.
    public let here: String?, there: String?
  }

  /// Where this run and `other` first differ; `nil` if they do not.
  public func firstDifference(from other: SimulationTrace) -> Difference? {
    for index in 0..<max(lines.count, other.lines.count) {
      let here = index < lines.count ? lines[index] : nil
      let there = index < other.lines.count ? other.lines[index] : nil
      if here != there { return Difference(line: index, here: here, there: there) }
    }
    return nil
  }
}
