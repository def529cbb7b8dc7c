import Runtime

/// The search for a sequential order of a history's operations: see ``History/checkLinearizability(from:_:)``.
struct LinearizabilitySearch<Operation: Sendable, Outcome: Equatable & Sendable, State: Hashable> {
  typealias Call = History<Operation, Outcome>.Call

  /// The calls, in the order in which they began.
  private let calls: [Call]
  private var state: State
  /// The calls that are in the order, one bit each.
  private var ordered: [UInt64]
  /// The order so far, with the state before each call.
  private var order: [(call: Int, before: State)] = []
  /// The number of calls in the order that have returned.
  private var returnedCount = 0
  /// The first call that is not in the order.
  private var firstUnordered = 0
  /// The configurations that have been tried. The same calls in another order with the same state need no second try.
  private var tried: Set<Configuration> = []
  /// The order that explains the most calls.
  private var longest: (order: [Int], returnedCount: Int, state: State)

  private struct Configuration: Hashable {
    let ordered: [UInt64]
    let state: State
  }

  init(calls: [Call], initial: State) {
    self.calls = calls
    state = initial
    ordered = Array(repeating: 0, count: (calls.count + 63) / 64)
    longest = ([], 0, initial)
  }

  mutating func run(_ apply: (inout State, Operation) -> Outcome) throws(NotLinearizable) {
    let wanted = calls.count { $0.end != nil }
    // The first call to try next.
    var start = 0
    while returnedCount < wanted {
      if extend(from: start, apply) {
        start = 0
      } else if let last = order.popLast() {
        // No call can come after the last one: tries another in its place.
        mark(last.call, false)
        state = last.before
        start = last.call + 1
      } else {
        throw failure(apply)
      }
    }
  }

  /// Adds one more call to the order.
  ///
  /// - Returns: whether a call from `start` on can come next.
  private mutating func extend(from start: Int, _ apply: (inout State, Operation) -> Outcome) -> Bool {
    for number in candidates where number >= start {
      let call = calls[number]
      var after = state
      let outcome = apply(&after, call.operation)
      if let end = call.end, end.outcome != outcome { continue }
      mark(number, true)
      if tried.insert(Configuration(ordered: ordered, state: after)).inserted {
        order.append((number, state))
        state = after
        if returnedCount > longest.returnedCount { longest = (order.map(\.call), returnedCount, state) }
        return true
      }
      mark(number, false)
    }
    return false
  }

  /// The calls that can come next: those that began before any call that is not in the order returned.
  private var candidates: [Int] {
    var candidates: [Int] = []
    var firstReturn = Int.max
    for number in firstUnordered..<calls.count where !isOrdered(number) {
      // Calls that began later returned later still.
      if calls[number].position > firstReturn { break }
      candidates.append(number)
      firstReturn = min(firstReturn, calls[number].end?.position ?? .max)
    }
    return candidates
  }

  private func isOrdered(_ number: Int) -> Bool { ordered[number / 64] >> (number % 64) & 1 == 1 }

  private mutating func mark(_ number: Int, _ isOrdered: Bool) {
    ordered[number / 64] ^= 1 << (number % 64)
    if calls[number].end != nil { returnedCount += isOrdered ? 1 : -1 }
    if isOrdered {
      while firstUnordered < calls.count, self.isOrdered(firstUnordered) { firstUnordered += 1 }
    } else {
      firstUnordered = min(firstUnordered, number)
    }
  }

  private mutating func failure(_ apply: (inout State, Operation) -> Outcome) -> NotLinearizable {
    for number in longest.order { mark(number, true) }
    var unexplained: [String] = []
    for number in candidates where calls[number].end != nil {
      var after = longest.state
      unexplained.append("\(text(of: number)), and would have returned \(apply(&after, calls[number].operation))")
    }
    return NotLinearizable(
      ordered: longest.order.map { text(of: $0) }, state: "\(longest.state)", unexplained: unexplained)
  }

  private func text(of number: Int) -> String {
    let call = calls[number]
    let start = Duration.nanoseconds(call.time).text
    guard let end = call.end else { return "from \(start) on: call \(number + 1), \(call.operation), never returned" }
    let time = "\(start) to \(Duration.nanoseconds(end.time).text)"
    return "\(time): call \(number + 1), \(call.operation), returned \(end.outcome)"
  }
}
