/// Draws the next item at random each time.
struct RandomReadyQueue: ReadyQueue {
  private var ready: [ReadyItem] = []
  private var numbers: RandomNumbers
  private(set) var choiceCount = 0

  init(seed: UInt64) { numbers = RandomNumbers(seed: seed, purpose: 1) }

  var count: Int { ready.count }

  mutating func append(_ item: ReadyItem) { ready.append(item) }

  mutating func next() -> ReadyItem? {
    guard ready.count > 1 else { return ready.popLast() }
    choiceCount += 1
    ready.swapAt(numbers.index(below: ready.count), ready.count - 1)
    return ready.removeLast()
  }

  mutating func removeAll() { ready = [] }

  mutating func reseed(_ seed: UInt64) { numbers = RandomNumbers(seed: seed, purpose: 1) }
}
