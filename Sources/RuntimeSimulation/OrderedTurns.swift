/// Turns in the order in which what is ready became so, except at some choices: ``Schedule/inTurn(except:)``.
///
/// Any order of turns there can be is one with some exceptions, since a choice can fall on anything that is ready.
struct OrderedTurns: Turns {
  /// The order in which they have their turns: those that have been passed over come last.
  private var ready: [Entry] = []
  /// How many of them have been passed over.
  private var passedOver = 0
  private let exceptions: [Int: Int]
  /// How many were ready at each choice.
  private(set) var widths: [Int] = []

  private struct Entry {
    let item: Ready
    /// After how many choices it came.
    let since: Int
  }

  /// For how many choices something may be kept from its turn once it has been passed over: tasks that wait for it by
  /// yielding would do so for ever.
  private static let patience = 1000

  init(exceptions: [Int: Int]) { self.exceptions = exceptions }

  var count: Int { ready.count }
  var choiceCount: Int { widths.count }

  mutating func append(_ item: Ready) {
    ready.insert(Entry(item: item, since: choiceCount), at: ready.count - passedOver)
  }

  mutating func next() -> Ready? {
    guard ready.count > 1 else {
      passedOver = 0
      return ready.popLast()?.item
    }
    if passedOver > 0, choiceCount - ready[ready.count - passedOver].since >= Self.patience {
      ready.insert(ready.remove(at: ready.count - passedOver), at: 0)
      passedOver -= 1
    }
    let choice = min(exceptions[choiceCount] ?? 0, ready.count - 1)
    widths.append(ready.count)
    // Those that are in front go to the end.
    let inFront = Array(ready[..<choice])
    let entry = ready[choice]
    ready.removeFirst(choice + 1)
    ready += inFront
    passedOver = min(passedOver + inFront.count, ready.count)
    return entry.item
  }

  mutating func removeAll() { (ready, passedOver) = ([], 0) }
}
