/// How a simulation chooses whose turn it is among what is ready.
public enum Schedule: Hashable, Sendable {
  /// Each time, everything that is ready has the same chance.
  ///
  /// This finds most bugs in few seeds. A bug that needs a task to be held up while others make `d` steps has a chance
  /// of about one in 2^d.
  case random

  /// Each task has a priority, drawn from the seed, and the ready one with the highest runs. At `depth - 1` of the
  /// run's choices, drawn as well, the task whose turn it would be sinks below all others (Burckhardt, Kothari,
  /// Musuvathi and Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding bugs", 2010: PCT).
  ///
  /// A bug that shows whenever `depth` steps come in a certain order is found by a seed with a chance of at least
  /// 1 / (n * k^(depth - 1)), where n tasks make k choices, however many other steps lie between them. So this finds in a
  /// few seeds that a task is slow, which ``random`` hardly ever shows, and is worse than that where tasks have to
  /// alternate exactly.
  ///
  /// How many choices there will be is not known beforehand: each seed is run twice, first as ``random`` does, and then
  /// with as many as that run had, so that the chance holds as far as the two are alike. A task that would keep others
  /// from their turn for 1,000 choices sinks, too, so that tasks which wait by yielding come to an end. A job in which an
  /// actor works has the priority of the task that called the actor.
  case priorities(depth: Int)

  /// What has become ready first runs first, except at some choices, counted from 0: there those in front are passed
  /// over, as many as the number says, and have their next turn when nothing else is ready.
  ///
  /// These are the runs that ``explore(seed:faults:limits:runs:deviations:_:)`` makes, and this repeats one of them.
  case inTurn(except: [Int: Int])
}

extension Schedule: CustomStringConvertible {
  /// As it stands in a program: `.inTurn(except: [4: 1])`.
  public var description: String {
    switch self {
    case .random: return ".random"
    case .priorities(let depth): return ".priorities(depth: \(depth))"
    case .inTurn(let exceptions):
      let list = exceptions.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
      return ".inTurn(except: [\(list.isEmpty ? ":" : list.joined(separator: ", "))])"
    }
  }
}

/// A schedule for one run.
enum Course {
  case random
  /// - Parameter choices: how many there will be, as far as is known.
  case priorities(depth: Int, choices: Int)
  case inTurn(except: [Int: Int])

  func turns(seed: UInt64) -> any Turns {
    switch self {
    case .random: RandomTurns(seed: seed)
    case .priorities(let depth, let choices): PriorityTurns(seed: seed, depth: depth, choices: choices)
    case .inTurn(let exceptions): OrderedTurns(exceptions: exceptions)
    }
  }

  var schedule: Schedule {
    switch self {
    case .random: .random
    case .priorities(let depth, _): .priorities(depth: depth)
    case .inTurn(let exceptions): .inTurn(except: exceptions)
    }
  }
}

/// What is ready to run.
enum Ready {
  case job(UnownedJob)
  /// Blocking work, which is no part of any task.
  case work(() -> Void)
}

/// What is ready, and whose turn it is.
protocol Turns {
  mutating func append(_ item: Ready)
  /// Takes out what is to run next; `nil` if nothing is ready.
  mutating func next() -> Ready?
  mutating func removeAll()
  var count: Int { get }
  /// How often more than one was ready when `next` took one.
  var choiceCount: Int { get }
}

extension SimulationFailure {
  /// How to have the run again.
  var repetition: String {
    switch schedule {
    case .random: "SIMULATION_SEED=\(seed) repeats it."
    case .priorities: "SIMULATION_SEED=\(seed) repeats it, with schedule: \(schedule)."
    case .inTurn: "simulate(seed: \(seed), schedule: \(schedule)) repeats it."
    }
  }
}
