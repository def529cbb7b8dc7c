import CSimulation

/// Runs the item with the highest priority. Priorities are random, and change at a few random choices:
/// ``Schedule/priorities(depth:)``.
struct PriorityReadyQueue: ReadyQueue {
  private var ready: [Entry] = []
  private var numbers: RandomNumbers
  /// The priority of each owner that has one; below 0 once it has dropped.
  private var priorities: [Owner: Int] = [:]
  /// The choices at which a task drops, and the priority to which it drops.
  private var changes: [Int: Int] = [:]
  /// The lowest priority in use or reserved for `changes`.
  private var lowest: Int
  /// The owner of the item that ran last.
  private var running = Owner.none
  private var workCount = 0
  private(set) var choiceCount = 0

  private struct Entry {
    let item: ReadyItem
    let owner: Owner
    /// The number of choices before the item became ready.
    let since: Int
    /// The owner's priority, once it has been looked up.
    var priority: Int?
  }

  /// A holder of a priority.
  private enum Owner: Hashable {
    case none
    /// A task, by Swift's number.
    case task(UInt64)
    /// Blocking work, which a pool of threads runs in other runtimes.
    case work(Int)
  }

  /// The number of choices for which a ready item may wait before the item that delays it drops.
  private static let maximumWait = 1000

  /// - Parameter choices: the expected number of choices.
  init(seed: UInt64, depth: Int, choices: Int) {
    numbers = RandomNumbers(seed: seed, purpose: 5)
    lowest = -max(1, depth)
    // At random choices, so that of two tasks that drop, either may be the lower one.
    for number in 1..<max(1, depth) { changes[numbers.index(below: max(1, choices))] = -number }
  }

  var count: Int { ready.count }

  mutating func append(_ item: ReadyItem) {
    ready.append(Entry(item: item, owner: owner(of: item), since: choiceCount))
  }

  private mutating func owner(of item: ReadyItem) -> Owner {
    switch item {
    case .job(let job):
      let task = gearbox_task_of_job(unsafeBitCast(job, to: UnsafeMutableRawPointer.self))
      // A job of no task is an actor's, and works for the task that runs.
      return task == 0 ? running : .task(task)
    case .work:
      workCount += 1
      return .work(workCount)
    }
  }

  mutating func next() -> ReadyItem? {
    if ready.count < 2 { return ready.popLast().map { select($0) } }
    var index = highestPriorityIndex
    if let priority = changes[choiceCount] {
      lowerPriority(of: ready[index].owner, to: priority)
      index = highestPriorityIndex
    }
    // None has waited longer than the first.
    if choiceCount - ready[0].since >= Self.maximumWait {
      lowest -= 1
      lowerPriority(of: ready[index].owner, to: lowest)
      index = highestPriorityIndex
    }
    choiceCount += 1
    return select(ready.remove(at: index))
  }

  /// The index of the item with the highest priority; the earliest of equals.
  private var highestPriorityIndex: Int {
    mutating get {
      var (best, highest) = (0, Int.min)
      for index in ready.indices {
        let priority = priority(at: index)
        if priority > highest { (best, highest) = (index, priority) }
      }
      return best
    }
  }

  private mutating func priority(at index: Int) -> Int {
    if let priority = ready[index].priority { return priority }
    let owner = ready[index].owner
    // Two tasks that draw the same number, with a probability of 2^-32, run in the order in which they became ready.
    let priority = priorities[owner] ?? numbers.index(below: 1 << 32)
    priorities[owner] = priority
    ready[index].priority = priority
    return priority
  }

  private mutating func lowerPriority(of owner: Owner, to priority: Int) {
    priorities[owner] = priority
    for index in ready.indices where ready[index].owner == owner { ready[index].priority = priority }
  }

  private mutating func select(_ entry: Entry) -> ReadyItem {
    running = entry.owner
    return entry.item
  }

  mutating func removeAll() { ready = [] }

  mutating func reseed(_ seed: UInt64) { numbers = RandomNumbers(seed: seed, purpose: 5) }
}
