import Runtime
import RuntimePrimitives
import Synchronization

/// Which workers sleep, and how many are looking for work: what decides whether somebody is woken.
///
/// New work wakes one sleeper, and only while nobody is searching, since a searcher will find it. A searcher that finds
/// something wakes the next when it was the last: so workers come up one by one as long as there is work for them, and
/// none is woken to find nothing.
///
/// A job that is alone in the queue of a worker is most likely run there before a sleeper is up, and where tasks wake
/// each other there is a new one all the time. But its worker may as well be busy for long. So as long as others are
/// awake, one of the sleepers *dozes*: it looks round every millisecond, and meanwhile nobody is woken for a lone job.
struct Idle: ~Copyable, Sendable {
  private let workerCount: Int
  private let state: Atomic<UInt64>
  private let sleepers = Lock<[Int]>([])

  /// How many are searching, dozing and awake: three numbers in a word, so that they are read together.
  private struct Counts {
    static let oneSearching: UInt64 = 1
    static let oneDozing: UInt64 = 1 << 16
    static let oneAwake: UInt64 = 1 << 32

    let word: UInt64
    var searching: Int { Int(word & 0xFFFF) }
    var dozing: Int { Int(word >> 16 & 0xFFFF) }
    var awake: Int { Int(word >> 32) }
  }

  /// What a worker that is about to sleep has to do.
  struct Rest {
    /// It was the last that searched, and so must look once more whether there is work.
    var mustLook: Bool
    /// It is to look round every now and then.
    var dozes: Bool
  }

  /// All are awake.
  init(workerCount: Int) {
    self.workerCount = workerCount
    state = Atomic(UInt64(workerCount) * Counts.oneAwake)
  }

  /// Picks a sleeper to be woken for new work, and counts it as awake and searching.
  ///
  /// - Parameter isLone: whether the work is one job that its worker is most likely about to run.
  func wakeOne(isLone: Bool = false) -> Int? {
    // Pairs with the fence in `sleep`: either we see that nobody searches or the last searcher sees the work.
    sequentiallyConsistentFence()
    guard needsOne(isLone) else { return nil }
    return sleepers.withLock { sleepers in
      guard needsOne(isLone), let sleeper = sleepers.popLast() else { return nil }
      // Relaxed, here and in all that counts: what matters is the order of fences and of the lock's regions.
      state.add(Counts.oneAwake + Counts.oneSearching, ordering: .relaxed)
      return sleeper
    }
  }

  private func needsOne(_ isLone: Bool) -> Bool {
    let now = Counts(word: state.load(ordering: .relaxed))
    return now.searching == 0 && now.awake < workerCount && !(isLone && now.dozing > 0)
  }

  /// Lets a worker begin to search, unless half of them are at it: more would only get in each other's way.
  func beginSearch() -> Bool {
    guard 2 * Counts(word: state.load(ordering: .relaxed)).searching < workerCount else { return false }
    state.add(Counts.oneSearching, ordering: .relaxed)
    return true
  }

  /// A searcher has found work.
  ///
  /// - Returns: whether it was the last, and so should wake another.
  func endSearch() -> Bool {
    Counts(word: state.subtract(Counts.oneSearching, ordering: .relaxed).oldValue).searching == 1
  }

  /// A worker is about to sleep.
  ///
  /// - Parameter mayDoze: whether it is of use to look round: it steals.
  func sleep(_ worker: Int, isSearching: Bool, mayDoze: Bool) -> Rest {
    let rest = sleepers.withLock { sleepers in
      let before = Counts(word: state.load(ordering: .relaxed))
      // Once nobody else is awake there are no jobs on their queues, and whoever gets up will find that nobody dozes.
      let dozes = mayDoze && before.awake > 1 && before.dozing == 0
      let change = Counts.oneAwake - (dozes ? Counts.oneDozing : 0) + (isSearching ? Counts.oneSearching : 0)
      let old = Counts(word: state.subtract(change, ordering: .relaxed).oldValue)
      sleepers.append(worker)
      return Rest(mustLook: isSearching && old.searching == 1, dozes: dozes)
    }
    sequentiallyConsistentFence()  // Pairs with the one in `wakeOne`.
    return rest
  }

  /// A worker has stopped sleeping.
  ///
  /// - Returns: whether `wakeOne` had picked it, so that it is searching.
  func rise(_ worker: Int, dozed: Bool) -> Bool {
    sleepers.withLock { sleepers in
      if dozed { state.subtract(Counts.oneDozing, ordering: .relaxed) }
      guard let index = sleepers.firstIndex(of: worker) else { return true }
      sleepers.remove(at: index)
      state.add(Counts.oneAwake, ordering: .relaxed)
      return false
    }
  }
}
