import Testing

@testable import RuntimeCustom

@Suite struct AgeingQueueTests {
  typealias Urgency = AgeingQueue<Int>.Urgency

  private static func drain(_ queue: inout AgeingQueue<Int>) -> [Int] {
    var elements: [Int] = []
    while let element = queue.popFirst() { elements.append(element) }
    return elements
  }

  @Test(arguments: Urgency.allCases)
  func `Jobs of one class keep their order`(urgency: Urgency) {
    var queue = AgeingQueue<Int>()
    for number in 1...100 { queue.append(number, urgency) }
    #expect(queue.count == 100)
    #expect(Self.drain(&queue) == Array(1...100))
    #expect(queue.count == 0)
  }

  @Test func `The more urgent job goes first, whatever came before it`() {
    var queue = AgeingQueue<Int>()
    queue.append(3, .low)
    queue.append(2, .medium)
    queue.append(1, .high)
    #expect(Self.drain(&queue) == [1, 2, 3])
  }

  @Test(arguments: [(Urgency.high, Urgency.medium), (.high, .low), (.medium, .low)])
  func `A job that has been passed over sixteen times goes next`(urgent: Urgency, patient: Urgency) {
    var queue = AgeingQueue<Int>()
    queue.append(0, patient)
    queue.append(-1, patient)
    for number in 1...40 { queue.append(number, urgent) }
    let order = Self.drain(&queue)
    #expect(order.firstIndex(of: 0) == 16)
    #expect(order.firstIndex(of: -1) == 33)
    #expect(order.filter { $0 > 0 } == Array(1...40))
  }

  @Test func `Both other classes progress beside endless urgent jobs`() {
    var queue = AgeingQueue<Int>()
    for number in 1...1000 {
      queue.append(number, .high)
      queue.append(number + 10_000, .medium)
      queue.append(number + 20_000, .low)
    }
    // Each urgent job that leaves is replaced by another.
    var taken = [0, 0, 0]
    for _ in 0..<1800 {
      guard let element = queue.popFirst() else { break }
      taken[element / 10_000] += 1
      if element < 10_000 { queue.append(element, .high) }
    }
    #expect(taken[1] >= 90)
    #expect(taken[2] >= 90)
    #expect(taken[0] >= 1500)
  }

  @Test(arguments: [
    (TaskPriority.background, Urgency.low), (.utility, .low), (.low, .low), (.medium, .medium), (.high, .high),
    (.userInitiated, .high), (TaskPriority(rawValue: 0x21), .high), (TaskPriority(rawValue: 0), .medium),
    (TaskPriority(rawValue: 0x12), .medium), (TaskPriority(rawValue: 0x18), .medium),
  ])
  func `A priority belongs to one of three classes`(priority: TaskPriority, urgency: Urgency) {
    // Read from a job, as in the runtime.
    #expect(Urgency(UnownedJob(_swift_createJobForTestingOnly(priority: priority) {}).priority) == urgency)
  }
}
