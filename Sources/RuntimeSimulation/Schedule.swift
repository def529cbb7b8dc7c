/// How a simulation chooses which of the ready tasks runs next.
public enum Schedule: Hashable, Sendable {
  /// Chooses among all ready tasks with equal probability.
  ///
  /// This finds most bugs in few seeds. A bug that needs a task to be held up while others make `d` steps has a chance
  /// of about one in 2^d.
  case random

  /// Gives each task a priority, drawn from the seed, and runs the ready task with the highest. At `depth - 1` of the
  /// run's choices, drawn as well, the task that would run next drops below all others (PCT: Burckhardt, Kothari,
  /// Musuvathi and Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding bugs", 2010).
  ///
  /// A bug that shows whenever `depth` steps come in a certain order is found by a seed with a chance of at least 1 /
  /// (n * k^(depth - 1)), where n tasks make k choices, however many other steps lie between. So this schedule finds in
  /// a few seeds the bugs that need one slow task, which ``random`` hardly ever finds. It is worse than ``random``
  /// where tasks have to alternate exactly.
  ///
  /// The number of choices is not known beforehand, so each seed is run twice: first as with ``random``, and then with
  /// the number of choices of that run. The chance above holds as far as the two runs are alike. A task that keeps
  /// others from running for 1,000 choices drops too, so that tasks which wait by yielding come to an end. A job of an
  /// actor has the priority of the task that called the actor.
  case priorities(depth: Int)

  /// Runs ready tasks in the order in which they became ready, except at the given choices.
  ///
  /// A key is the number of a choice, counted from 0. Its value is the number of tasks at the front that are passed
  /// over; they run when nothing else is ready. ``explore(seed:faults:limits:runs:deviations:_:)`` makes such runs, and
  /// this case repeats one of them.
  case inTurn(except: [Int: Int])

  /// Chooses as ``random`` does, and from each of the given choices on draws everything random from another seed.
  ///
  /// A key is the number of a choice, counted from 0. Its value is the seed of what is drawn from that choice on: the
  /// order of tasks, latencies, faults, and the random numbers that the program takes from the system. What has been
  /// drawn before stays. That includes the time of a host's next crash, the reset of an open connection, and the
  /// partitions of the periods to which the network has looked ahead.
  ///
  /// ``fuzz(seed:faults:limits:runs:_:)`` makes such runs, and this case repeats one of them.
  case branching(at: [Int: UInt64])
}

extension Schedule: CustomStringConvertible {
  /// The case as Swift source: `.inTurn(except: [4: 1])`.
  public var description: String {
    switch self {
    case .random: return ".random"
    case .priorities(let depth): return ".priorities(depth: \(depth))"
    case .inTurn(let exceptions): return ".inTurn(except: \(source(of: exceptions)))"
    case .branching(let branches): return ".branching(at: \(source(of: branches)))"
    }
  }

  /// Returns a dictionary as Swift source, in the order of its keys.
  private func source(of values: [Int: some BinaryInteger]) -> String {
    let list = values.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    return "[\(list.isEmpty ? ":" : list.joined(separator: ", "))]"
  }

  /// Returns a sentence that says how to repeat the run of `seed` with this schedule.
  func repetition(of seed: UInt64) -> String {
    switch self {
    case .random: "SIMULATION_SEED=\(seed) repeats it."
    case .priorities: "SIMULATION_SEED=\(seed) repeats it, with schedule: \(self)."
    case .inTurn, .branching: "simulate(seed: \(seed), schedule: \(self)) repeats it."
    }
  }
}

/// The schedule of one run.
enum RunSchedule {
  case random
  /// - Parameter choices: the expected number of choices.
  case priorities(depth: Int, choices: Int)
  case inTurn(except: [Int: Int])
  case branching(at: [Int: UInt64])

  func makeReadyQueue(seed: UInt64) -> any ReadyQueue {
    switch self {
    case .random, .branching: RandomReadyQueue(seed: seed)
    case .priorities(let depth, let choices): PriorityReadyQueue(seed: seed, depth: depth, choices: choices)
    case .inTurn(let exceptions): OrderedReadyQueue(exceptions: exceptions)
    }
  }

  var schedule: Schedule {
    switch self {
    case .random: .random
    case .priorities(let depth, _): .priorities(depth: depth)
    case .inTurn(let exceptions): .inTurn(except: exceptions)
    case .branching(let branches): .branching(at: branches)
    }
  }

  /// The choices from which on the run draws from another seed.
  var branches: [Int: UInt64] {
    if case .branching(let branches) = self { branches } else { [:] }
  }
}

/// An item that is ready to run.
enum ReadyItem {
  case job(UnownedJob)
  /// Blocking work, which belongs to no task.
  case work(() -> Void)
}

/// The queue of what is ready, which decides what runs next.
protocol ReadyQueue {
  mutating func append(_ item: ReadyItem)
  /// Removes and returns the item to run next; `nil` if nothing is ready.
  mutating func next() -> ReadyItem?
  mutating func removeAll()
  /// Draws everything random from `seed` from now on.
  mutating func reseed(_ seed: UInt64)
  var count: Int { get }
  /// The number of times that `next` had more than one item to choose from.
  var choiceCount: Int { get }
}
