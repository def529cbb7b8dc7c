/// Runs jobs in the order in which they became ready, except at some choices: ``Schedule/inTurn(except:)``.
///
/// Any possible order is this one with exceptions, because an exception can choose any ready item.
struct OrderedReadyQueue: ReadyQueue {
  /// The items in the order in which they run: those that have been passed over come last.
  private var ready: [Entry] = []
  /// The number of items that have been passed over.
  private var passedOver = 0
  private let exceptions: [Int: Int]
  /// The number of ready items at each choice.
  private(set) var widths: [Int] = []

  private struct Entry {
    let item: ReadyItem
    /// The number of choices before the item became ready.
    let since: Int
  }

  /// The number of choices for which an item may wait once it has been passed over. Without a limit, tasks that wait
  /// for it by yielding would do so forever.
  private static let maximumWait = 1000

  init(exceptions: [Int: Int]) { self.exceptions = exceptions }

  var count: Int { ready.count }
  var choiceCount: Int { widths.count }

  mutating func append(_ item: ReadyItem) {
    ready.insert(Entry(item: item, since: choiceCount), at: ready.count - passedOver)
  }

  mutating func next() -> ReadyItem? {
    guard ready.count > 1 else {
      passedOver = 0
      return ready.popLast()?.item
    }
    if passedOver > 0, choiceCount - ready[ready.count - passedOver].since >= Self.maximumWait {
      ready.insert(ready.remove(at: ready.count - passedOver), at: 0)
      passedOver -= 1
    }
    let choice = min(exceptions[choiceCount] ?? 0, ready.count - 1)
    widths.append(ready.count)
    // The items in front of the chosen one go to the end.
    let inFront = Array(ready[..<choice])
    let entry = ready[choice]
    ready.removeFirst(choice + 1)
    ready += inFront
    passedOver = min(passedOver + inFront.count, ready.count)
    return entry.item
  }

  mutating func removeAll() { (ready, passedOver) = ([], 0) }

  // Nothing is random here.
  mutating func reseed(_ seed: UInt64) {}
}
