import RuntimePrimitives

/// What waits, in three classes: the most urgent goes first, and what has been passed over for long goes before it.
///
/// Within a class it is first in, first out. Swift does not tell an executor when a task's priority is raised, because
/// another waits for it. So nothing may be passed over for ever.
struct AgeingQueue<Element> {
  enum Urgency: CaseIterable {
    case high, medium, low
  }

  /// How often the first of a class is passed over at most. Each class that waits gets a share of a seventeenth or more.
  static var patience: Int { 16 }

  private var high = Ring<Element>()
  private var medium = Ring<Element>()
  private var low = Ring<Element>()
  /// How many have gone before the first of a class since that was the first.
  private var mediumAge = 0
  private var lowAge = 0

  /// How many wait.
  private(set) var count = 0

  mutating func append(_ element: Element, _ urgency: Urgency) {
    count += 1
    switch urgency {
    case .high: high.append(element)
    case .medium: medium.append(element)
    case .low: low.append(element)
    }
  }

  /// Takes what goes next; `nil` if nothing waits.
  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    count -= 1
    if lowAge >= Self.patience { return popLow() }
    if mediumAge >= Self.patience || high.isEmpty { return popMedium() ?? popLow() }
    if !medium.isEmpty { mediumAge += 1 }
    return passingLow(high.popFirst())
  }

  private mutating func popMedium() -> Element? {
    mediumAge = 0
    return medium.popFirst().flatMap { passingLow($0) }
  }

  private mutating func popLow() -> Element? {
    lowAge = 0
    return low.popFirst()
  }

  private mutating func passingLow(_ element: Element?) -> Element? {
    if !low.isEmpty { lowAge += 1 }
    return element
  }
}

extension AgeingQueue.Urgency {
  /// The class of a task's priority. What says nothing of its priority is medium.
  init(_ priority: JobPriority) {
    switch priority.rawValue {
    case 0: self = .medium
    case ...TaskPriority.utility.rawValue: self = .low
    case TaskPriority.high.rawValue...: self = .high
    default: self = .medium
    }
  }
}
