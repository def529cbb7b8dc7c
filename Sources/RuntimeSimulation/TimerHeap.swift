/// What is to happen at a time: a binary heap, the earliest first, and of those at the same time the one that came first.
struct TimerHeap {
  struct Timer {
    let time: Int64
    /// In the order of coming.
    let number: Int
    let action: Action

    static func < (a: Timer, b: Timer) -> Bool { (a.time, a.number) < (b.time, b.number) }
  }

  enum Action {
    /// A task whose patience or sleep is over, unless something else has woken it.
    case wake(Waiter, Wake)
    /// A job that Swift has put to sleep, and whose task's it is.
    case job(UnownedJob, of: Incarnation)
    /// Something that the network does.
    case event(() -> Void)
  }

  private var timers: [Timer] = []
  private var nextNumber = 0

  /// How many have ever been put in.
  var insertedCount: Int { nextNumber }

  /// Whether one of the first `number` that were put in will do something still.
  func hasTimer(below number: Int) -> Bool { timers.contains { $0.number < number && !Self.isVain($0) } }

  /// How many will do something still.
  var count: Int { timers.count { !Self.isVain($0) } }

  mutating func insert(at time: Int64, _ action: Action) {
    timers.append(Timer(time: time, number: nextNumber, action: action))
    nextNumber += 1
    var index = timers.count - 1
    while index > 0, timers[index] < timers[(index - 1) / 2] {
      timers.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  /// When the first that will do something is due. Those for whose tasks something else has happened are dropped: the
  /// time must not go on for them.
  mutating func nextTime() -> Int64? {
    while let first = timers.first, Self.isVain(first) { removeFirst() }
    return timers.first?.time
  }

  /// Takes out the first if it is due.
  mutating func pop(dueAt now: Int64) -> Action? {
    guard let first = timers.first, first.time <= now else { return nil }
    removeFirst()
    return first.action
  }

  private static func isVain(_ timer: Timer) -> Bool {
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
