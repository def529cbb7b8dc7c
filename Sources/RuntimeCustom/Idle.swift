import Runtime
import RuntimePrimitives
import Synchronization

/// Tracks which workers sleep and how many search for work, and so decides whether to wake one.
///
/// New work wakes one sleeper, and only while no worker is searching, since a searcher will find it. A searcher that
/// finds work wakes the next sleeper if it was the last one searching. So workers wake one by one as long as there is
/// work, and none wakes in vain.
///
/// A lone job in the queue of a worker has most likely run before a sleeper is awake, and tasks that wake each other
/// create such jobs all the time. But its worker may also be busy for long. Therefore, while other workers are awake,
/// one of the sleepers *dozes*: it checks for work every millisecond, and meanwhile no worker is woken for a lone job.
struct Idle: ~Copyable, Sendable {
  private let workerCount: Int
  private let state: Atomic<UInt64>
  private let sleepers = Lock<[Int]>([])

  /// The numbers of searching, dozing and awake workers, packed into a word so that they are read together.
  private struct Counts {
    static let oneSearching: UInt64 = 1
    static let oneDozing: UInt64 = 1 << 16
    static let oneAwake: UInt64 = 1 << 32

    let word: UInt64
    var searching: Int { Int(word & 0xFFFF) }
    var dozing: Int { Int(word >> 16 & 0xFFFF) }
    var awake: Int { Int(word >> 32) }
  }

  /// Instructions for a worker that is about to sleep.
  struct SleepInstructions {
    /// Whether it was the last searcher and must check for work once more.
    var mustRecheck: Bool
    /// Whether it must check for work periodically.
    var dozes: Bool
  }

  /// Creates a state in which all workers are awake.
  init(workerCount: Int) {
    self.workerCount = workerCount
    state = Atomic(UInt64(workerCount) * Counts.oneAwake)
  }

  /// Picks a sleeper to wake for new work, and counts it as awake and searching.
  ///
  /// - Parameter isLone: whether the work is a single job that its worker is most likely about to run.
  func wakeOne(isLone: Bool = false) -> Int? {
    // Pairs with the fence in `sleep`: either this thread sees that no worker searches, or the last searcher sees the
    // work.
    sequentiallyConsistentFence()
    guard needsOne(isLone) else { return nil }
    return sleepers.withLock { sleepers in
      guard needsOne(isLone), let sleeper = sleepers.popLast() else { return nil }
      // Relaxed, like all updates of the counts: the fences and the lock provide the ordering.
      state.add(Counts.oneAwake + Counts.oneSearching, ordering: .relaxed)
      return sleeper
    }
  }

  private func needsOne(_ isLone: Bool) -> Bool {
    let now = Counts(word: state.load(ordering: .relaxed))
    return now.searching == 0 && now.awake < workerCount && !(isLone && now.dozing > 0)
  }

  /// Lets a worker begin to search, unless half of the workers are searching: more would only contend with each other.
  func beginSearch() -> Bool {
    guard 2 * Counts(word: state.load(ordering: .relaxed)).searching < workerCount else { return false }
    state.add(Counts.oneSearching, ordering: .relaxed)
    return true
  }

  /// Records that a searcher has found work.
  ///
  /// - Returns: whether it was the last searcher and should wake another worker.
  func endSearch() -> Bool {
    Counts(word: state.subtract(Counts.oneSearching, ordering: .relaxed).oldValue).searching == 1
  }

  /// Records that a worker is about to sleep.
  ///
  /// - Parameter mayDoze: whether dozing is useful, because the worker steals.
  func sleep(_ worker: Int, isSearching: Bool, mayDoze: Bool) -> SleepInstructions {
    let instructions = sleepers.withLock { sleepers in
      let before = Counts(word: state.load(ordering: .relaxed))
      // If no other worker is awake, their queues are empty, and a worker that wakes sees that none dozes.
      let dozes = mayDoze && before.awake > 1 && before.dozing == 0
      let change = Counts.oneAwake - (dozes ? Counts.oneDozing : 0) + (isSearching ? Counts.oneSearching : 0)
      let old = Counts(word: state.subtract(change, ordering: .relaxed).oldValue)
      sleepers.append(worker)
      return SleepInstructions(mustRecheck: isSearching && old.searching == 1, dozes: dozes)
    }
    sequentiallyConsistentFence()  // Pairs with the one in `wakeOne`.
    return instructions
  }

  /// Records that a worker has stopped sleeping.
  ///
  /// - Returns: whether `wakeOne` picked it, so that it is searching.
  func wake(_ worker: Int, dozed: Bool) -> Bool {
    sleepers.withLock { sleepers in
      if dozed { state.subtract(Counts.oneDozing, ordering: .relaxed) }
      guard let index = sleepers.firstIndex(of: worker) else { return true }
      sleepers.remove(at: index)
      state.add(Counts.oneAwake, ordering: .relaxed)
      return false
    }
  }
}
