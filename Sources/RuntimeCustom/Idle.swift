import Runtime
import Synchronization

/// Which workers sleep, and how many are looking for work: what decides whether somebody is woken.
///
/// New work wakes one sleeper, and only while nobody is searching, since a searcher will find it. A searcher that finds
/// something wakes the next when it was the last: so workers come up one by one as long as there is work for them, and
/// none is woken to find nothing.
struct Idle: ~Copyable, Sendable {
  private let workerCount: Int
  /// How many are awake (high half) and how many of those are searching (low half).
  private let state: Atomic<UInt64>
  private let sleepers = Lock<[Int]>([])

  private static let oneAwake: UInt64 = 1 << 32
  private static let oneSearching: UInt64 = 1

  /// All are awake.
  init(workerCount: Int) {
    self.workerCount = workerCount
    state = Atomic(UInt64(workerCount) * Self.oneAwake)
  }

  private static func searching(_ state: UInt64) -> Int { Int(state & (oneAwake - 1)) }
  private static func awake(_ state: UInt64) -> Int { Int(state >> 32) }

  /// Picks a sleeper to be woken for new work, and counts it as awake and searching.
  func wakeOne() -> Int? {
    // Pairs with the fence in `sleep`: either we see that nobody searches or the last searcher sees the work.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    guard needsOne else { return nil }
    return sleepers.withLock { sleepers in
      guard needsOne, let sleeper = sleepers.popLast() else { return nil }
      state.add(Self.oneAwake + Self.oneSearching, ordering: .sequentiallyConsistent)
      return sleeper
    }
  }

  private var needsOne: Bool {
    let now = state.load(ordering: .relaxed)
    return Self.searching(now) == 0 && Self.awake(now) < workerCount
  }

  /// Lets a worker begin to search, unless half of them are at it: more would only get in each other's way.
  func beginSearch() -> Bool {
    guard 2 * Self.searching(state.load(ordering: .relaxed)) < workerCount else { return false }
    state.add(Self.oneSearching, ordering: .sequentiallyConsistent)
    return true
  }

  /// A searcher has found work.
  ///
  /// - Returns: whether it was the last, and so should wake another.
  func endSearch() -> Bool {
    Self.searching(state.subtract(Self.oneSearching, ordering: .sequentiallyConsistent).oldValue) == 1
  }

  /// A worker is about to sleep.
  ///
  /// - Returns: whether it was the last that searched, and so must look once more whether there is work.
  func sleep(_ worker: Int, isSearching: Bool) -> Bool {
    sleepers.withLock { sleepers in
      let old = state.subtract(
        Self.oneAwake + (isSearching ? Self.oneSearching : 0), ordering: .sequentiallyConsistent
      ).oldValue
      sleepers.append(worker)
      atomicMemoryFence(ordering: .sequentiallyConsistent)
      return isSearching && Self.searching(old) == 1
    }
  }

  /// A worker has stopped sleeping.
  ///
  /// - Returns: whether `wakeOne` had picked it, so that it is searching.
  func rise(_ worker: Int) -> Bool {
    sleepers.withLock { sleepers in
      guard let index = sleepers.firstIndex(of: worker) else { return true }
      sleepers.remove(at: index)
      state.add(Self.oneAwake, ordering: .sequentiallyConsistent)
      return false
    }
  }
}
