/// The runs that reached new code, from which ``fuzz(seed:faults:limits:runs:_:)`` makes others.
package struct Corpus {
  /// A run to make.
  package struct Candidate: Equatable, Sendable {
    package let seed: UInt64
    /// The choices of the run at which it draws from other seeds.
    package var branches: [Int: UInt64] = [:]

    package init(seed: UInt64) { self.seed = seed }

    var schedule: RunSchedule { branches.isEmpty ? .random : .branching(at: branches) }
  }

  private struct Member {
    let run: Candidate
    let choices: Int
    var children = 0
  }

  private var members: [Member] = []
  /// What has been reached: a bit for each bucket, by counter.
  private var reached: [UInt8]
  /// The seed of what is new in the next run.
  private var seed: UInt64
  private var numbers: RandomNumbers
  private var runs = 0

  /// - Parameters:
  ///   - seed: the seed of the first run.
  ///   - counters: the number of coverage counters.
  package init(seed: UInt64, counters: Int) {
    self.seed = seed
    reached = Array(repeating: 0, count: counters)
    numbers = RandomNumbers(seed: seed, purpose: 6)
  }

  /// One of so many runs, on average, begins anew although there are runs to make it from.
  private static let freshRunInterval = 4

  /// Returns the run to make next.
  package mutating func next() -> Candidate {
    defer { seed &+= 1 }
    guard let parent = nextParent(), numbers.index(below: Self.freshRunInterval) > 0 else {
      return Candidate(seed: seed)
    }
    members[parent].children += 1
    let choice = numbers.index(below: members[parent].choices)
    var child = members[parent].run
    child.branches = child.branches.filter { $0.key < choice }
    child.branches[choice] = seed
    return child
  }

  /// Returns the index of the member with the fewest children; `nil` if there is no member.
  ///
  /// So a run that has just been kept gets as many children as the others have before they get more. Böhme, Pham and
  /// Roychoudhury ("Coverage-based greybox fuzzing as Markov chain", 2016) prefer inputs that were chosen least often
  /// in the same way.
  private func nextParent() -> Int? { members.indices.min { members[$0].children < members[$1].children } }

  /// Returns whether some of that has not been reached before.
  package func isNew(_ rises: [CounterRise]) -> Bool {
    rises.contains { reached[$0.counter] & $0.bucket == 0 }
  }

  /// Records what `run` has reached, and keeps it if some of that is new.
  ///
  /// - Parameter choices: the number of the run's choices. A run without any is not kept: it could only be repeated.
  package mutating func record(_ run: Candidate, choices: Int, _ rises: [CounterRise]) {
    runs += 1
    let isNew = isNew(rises)
    for rise in rises { reached[rise.counter] |= rise.bucket }
    if isNew, choices > 0 { members.append(Member(run: run, choices: choices)) }
  }

  package var report: FuzzingReport {
    FuzzingReport(runs: runs, keptRuns: members.count, counters: reached.count { $0 != 0 })
  }
}
