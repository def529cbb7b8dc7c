/// The pending timers: a binary heap, ordered by time, and by insertion for equal times.
struct TimerHeap {
  struct Timer {
    let time: Int64
    /// The number of the timer, in the order of insertion.
    let number: Int
    let action: Action

    static func < (a: Timer, b: Timer) -> Bool { (a.time, a.number) < (b.time, b.number) }
  }

  enum Action {
    /// Wakes a task whose sleep or deadline has ended, unless something else has woken it.
    case wake(Waiter, Wake)
    /// Runs a job that Swift has delayed. The incarnation is that of the job's task.
    case job(UnownedJob, of: Incarnation)
    /// Runs an event of the network or a host.
    case event(() -> Void)
  }

  private var timers: [Timer] = []
  private var nextNumber = 0

  /// The number of timers that have ever been inserted.
  var insertedCount: Int { nextNumber }

  /// Returns whether one of the first `number` inserted timers still has an effect.
  func hasTimer(below number: Int) -> Bool { timers.contains { $0.number < number && !Self.isObsolete($0) } }

  /// The number of timers that still have an effect.
  var count: Int { timers.count { !Self.isObsolete($0) } }

  mutating func insert(at time: Int64, _ action: Action) {
    timers.append(Timer(time: time, number: nextNumber, action: action))
    nextNumber += 1
    var index = timers.count - 1
    while index > 0, timers[index] < timers[(index - 1) / 2] {
      timers.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  /// Returns when the first timer with an effect is due. Drops timers whose tasks have been woken already, because time
  /// must not advance for them.
  mutating func nextTime() -> Int64? {
    while let first = timers.first, Self.isObsolete(first) { removeFirst() }
    return timers.first?.time
  }

  /// Removes and returns the first timer if it is due.
  mutating func pop(dueAt now: Int64) -> Action? {
    guard let first = timers.first, first.time <= now else { return nil }
    removeFirst()
    return first.action
  }

  private static func isObsolete(_ timer: Timer) -> Bool {
    switch timer.action {
    case .wake(let waiter, _): !waiter.isWaiting
    case .job(_, let owner): owner.isDead
    case .event: false
    }
  }

  private mutating func removeFirst() {
    timers.swapAt(0, timers.count - 1)
    timers.removeLast()
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < timers.count && timers[child] < timers[least] {
        least = child
      }
      if least == index { return }
      timers.swapAt(index, least)
      index = least
    }
  }
}
