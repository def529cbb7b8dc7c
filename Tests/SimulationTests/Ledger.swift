import Runtime
import RuntimePrimitives

/// A record of the requests to a server, the calls of its handlers, and the responses. Each request has its own number,
/// which every body contains.
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

  /// Returns the number of a new request.
  func next() -> Int {
    entries.withLock { entries in
      entries.lastNumber += 1
      return entries.lastNumber
    }
  }

  /// Records that a handler has been called for a request.
  func handle(_ number: Int) { entries.withLock { $0.handled[number, default: 0] += 1 } }

  /// Records that a complete response has arrived for a request, and checks its body.
  func answer(_ number: Int, with body: [UInt8], expecting expected: [UInt8]) throws {
    guard body == expected else {
      throw Wrong("request \(number) was answered with \(body.count) bytes that are not its \(expected.count)")
    }
    let isFirst = entries.withLock { $0.answered.insert(number).inserted }
    guard isFirst else { throw Wrong("request \(number) was answered twice") }
  }

  /// Returns whether a handler has been called for a request.
  func hasHandled(_ number: Int) -> Bool { entries.withLock { $0.handled[number] != nil } }

  /// Records that a connection was refused although the server was up.
  func noteRefusedConnection() { entries.withLock { $0.refusedConnections += 1 } }

  /// The number of such connections.
  var refusedConnections: Int { entries.withLock(\.refusedConnections) }

  /// The number of requests.
  var count: Int { entries.withLock(\.lastNumber) }

  /// Checks what must hold whatever went wrong.
  ///
  /// - Parameter losesNothing: whether every request that a handler was called for must have been answered.
  func check(losesNothing: Bool) throws {
    let entries = entries.withLock(\.self)
    for (number, times) in entries.handled.sorted(by: { $0.key < $1.key }) where times > 1 {
      throw Wrong("request \(number) was handled \(times) times")
    }
    for number in entries.answered.sorted() where entries.handled[number] == nil {
      throw Wrong("request \(number) was answered, but not handled")
    }
    guard losesNothing else { return }
    for number in entries.handled.keys.sorted() where !entries.answered.contains(number) {
      throw Wrong("request \(number) was handled, and its answer was lost")
    }
  }

  /// Checks that every request has been answered.
  func checkAllAnswered() throws {
    let (count, answered) = entries.withLock { ($0.lastNumber, $0.answered.count) }
    if answered < count { throw Wrong("\(count - answered) of \(count) requests were not answered") }
  }
}

/// Makes the run fail unless `condition` is true. Swift Testing's own expectations would not name the seed.
func expect(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws {
  if !condition { throw Ledger.Wrong(otherwise()) }
}
