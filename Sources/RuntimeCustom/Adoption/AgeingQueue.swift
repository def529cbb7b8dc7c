import RuntimePrimitives

/// A queue with three classes of urgency and a bound on how often an element is passed over.
///
/// Each class is first in, first out. Swift does not tell an executor when the priority of a task is raised because
/// another task waits for it. Therefore no element may be passed over forever.
struct AgeingQueue<Element> {
  enum Urgency: CaseIterable {
    case high, medium, low
  }

  /// The maximum number of times that the first element of a class is passed over. So each nonempty class gets at least
  /// a seventeenth of the turns.
  static var mostOvertakings: Int { 16 }

  private var high = Ring<Element>()
  private var medium = Ring<Element>()
  private var low = Ring<Element>()
  /// How many elements have overtaken the first element of the class.
  private var mediumAge = 0
  private var lowAge = 0

  /// The number of elements.
  private(set) var count = 0

  mutating func append(_ element: Element, _ urgency: Urgency) {
    count += 1
    switch urgency {
    case .high: high.append(element)
    case .medium: medium.append(element)
    case .low: low.append(element)
    }
  }

  /// Removes and returns the next element; `nil` if there is none.
  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    count -= 1
    if lowAge >= Self.mostOvertakings { return popLow() }
    if mediumAge >= Self.mostOvertakings || high.isEmpty { return popMedium() ?? popLow() }
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
  /// Returns the class of a task's priority. An unspecified priority is medium.
  init(_ priority: JobPriority) {
    switch priority.rawValue {
    case 0: self = .medium
    case ...TaskPriority.utility.rawValue: self = .low
    case TaskPriority.high.rawValue...: self = .high
    default: self = .medium
    }
  }
}
