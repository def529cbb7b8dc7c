import Runtime
import RuntimePrimitives

/// What was asked of a server, what its handlers were called for, and what came back: each request has a number of its
/// own, and every body tells whose it is.
final class Ledger: Sendable {
  private struct Entries {
    var handled: [Int: Int] = [:]
    var answered: Set<Int> = []
    var refusedConnections = 0
    var lastNumber = 0
  }

  private let entries = Monitor(Entries())

  struct Wrong: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// The number of a new request.
  func next() -> Int {
    entries.withLock { entries in
      entries.lastNumber += 1
      return entries.lastNumber
    }
  }

  /// A handler has been called for a request.
  func handle(_ number: Int) { entries.withLock { $0.handled[number, default: 0] += 1 } }

  /// A whole response has come for a request.
  func answer(_ number: Int, with body: [UInt8], expecting expected: [UInt8]) throws {
    guard body == expected else {
      throw Wrong("request \(number) was answered with \(body.count) bytes that are not its \(expected.count)")
    }
    let isFirst = entries.withLock { $0.answered.insert(number).inserted }
    guard isFirst else { throw Wrong("request \(number) was answered twice") }
  }

  /// Whether a handler has been called for a request.
  func hasHandled(_ number: Int) -> Bool { entries.withLock { $0.handled[number] != nil } }

  /// A connection has been refused, though the server was there.
  func noteRefusedConnection() { entries.withLock { $0.refusedConnections += 1 } }

  /// How many connections have been refused so.
  var refusedConnections: Int { entries.withLock(\.refusedConnections) }

  /// How many requests there have been.
  var count: Int { entries.withLock(\.lastNumber) }

  /// Checks what has to be so whatever went wrong.
  ///
  /// - Parameter losesNothing: whether every request that a handler was called for must have been answered.
  func check(losesNothing: Bool) throws {
    let entries = entries.withLock(\.self)
    for (number, times) in entries.handled.sorted(by: { $0.key < $1.key }) where times > 1 {
      throw Wrong("request \(number) was handled \(times) times")
    }
    for number in entries.answered.sorted() where entries.handled[number] == nil {
      throw Wrong("request \(number) was answered by nobody")
    }
    guard losesNothing else { return }
    for number in entries.handled.keys.sorted() where !entries.answered.contains(number) {
      throw Wrong("request \(number) was handled, and its answer was lost")
    }
  }

  /// Checks that everything that was asked has been answered.
  func checkAllAnswered() throws {
    let (count, answered) = entries.withLock { ($0.lastNumber, $0.answered.count) }
    if answered < count { throw Wrong("\(count - answered) of \(count) requests were not answered") }
  }
}

/// Has the run fail unless `condition` holds. What Swift Testing has for that would not tell the seed.
func expect(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws {
  if !condition { throw Ledger.Wrong(otherwise()) }
}
