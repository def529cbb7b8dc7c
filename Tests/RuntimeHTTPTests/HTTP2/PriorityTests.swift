import Testing

@testable import RuntimeHTTP

/// The order in which streams send content, RFC 9218.
@Suite struct PriorityTests {
  @Test(arguments: [
    ("", Priority()), ("u=0", Priority(urgency: 0)), ("u=7, i", Priority(urgency: 7, isIncremental: true)),
    ("i", Priority(isIncremental: true)), ("i=?1", Priority(isIncremental: true)), ("i=?0", Priority()),
    (" u=1 ,  i ", Priority(urgency: 1, isIncremental: true)), ("u=8", Priority()), ("u=-1", Priority()),
    ("u=12", Priority()), ("i, u=2;x=y, other=3", Priority(urgency: 2, isIncremental: true)), ("u", Priority()),
    ("u=1, u=5", Priority(urgency: 5)), (",,;=", Priority()),
  ])
  func `4 the parameters of a priority are decoded`(text: String, priority: Priority) {
    #expect(Priority(Array(text.utf8).span) == priority)
  }

  @Test func `4 the lines of a Priority field are one dictionary`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, ClientBytes.get + [("priority", "u=1, i"), ("priority", "u=5")]))
    #expect(scenario.core.streams[scenario.slot(of: 1)].priority == Priority(urgency: 5, isIncremental: true))
  }

  /// The order of the streams' frames, when each stream has three to send.
  private func order(_ priorities: [String?], updates: [UInt8] = []) -> [StreamID] {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.windowUpdate(0, 1 << 24), ClientBytes.settings((.initialWindowSize, 1 << 20)))
    for (index, priority) in priorities.enumerated() {
      let fields = ClientBytes.get + (priority.map { [("priority", $0)] } ?? [])
      scenario.send(ClientBytes.request(StreamID(2 * index + 1), fields))
    }
    for index in priorities.indices.reversed() {
      scenario.core.respond(
        scenario.slot(of: StreamID(2 * index + 1)), .ok, [:], content: [UInt8](repeating: 0, count: 3 * 16_384))
    }
    scenario.send(updates)
    return scenario.write().compactMap { if case .data(let stream, _, _) = $0 { stream } else { nil } }
  }

  @Test func `10 more urgent streams go first`() {
    #expect(order(["u=5", "u=1", "u=3"]) == [3, 3, 3, 5, 5, 5, 1, 1, 1])
  }

  @Test func `10 streams that are not incremental go in the order of their numbers`() {
    #expect(order(["u=3", "u=3", "u=3"]) == [1, 1, 1, 3, 3, 3, 5, 5, 5])
  }

  @Test func `10 incremental streams take turns`() {
    #expect(order(["i", "i", "i"]) == [5, 3, 1, 5, 3, 1, 5, 3, 1])
  }

  @Test func `10 incremental streams and one that is not take turns`() {
    let order = order(["u=3", "u=3", "i"])
    #expect(order.prefix(6) == [1, 5, 1, 5, 1, 5] && order.suffix(3) == [3, 3, 3])
  }

  @Test func `streams without a priority take turns`() {
    #expect(order([nil, nil]) == [3, 1, 3, 1, 3, 1])
  }

  @Test func `7_1 a PRIORITY_UPDATE changes the order`() {
    #expect(order(["u=1", "u=3"], updates: ClientBytes.priorityUpdate(3, "u=0")) == [3, 3, 3, 1, 1, 1])
  }

  @Test func `7_1 a PRIORITY_UPDATE may come before its stream, and overrides the field`() {
    let scenario = CoreScenario.begun()
    scenario.send(
      ClientBytes.priorityUpdate(3, "u=0, i"), ClientBytes.request(1),
      ClientBytes.request(3, ClientBytes.get + [("priority", "u=6")]))
    #expect(scenario.core.streams[scenario.slot(of: 3)].priority == Priority(urgency: 0, isIncremental: true))
    #expect(scenario.core.earlyPriorities.isEmpty)
  }

  @Test func `7_1 streams that have a priority before they are opened count together with open streams`() {
    let scenario = CoreScenario.begun()
    func update(_ number: Int) -> [Told] { scenario.send(ClientBytes.priorityUpdate(StreamID(2 * number + 1), "u=0")) }
    for number in 0..<60 { scenario.send(ClientBytes.request(StreamID(2 * number + 1))) }
    // A client may send as many updates as it likes, also for open streams.
    for number in Array(50..<100) + Array(50..<100) { #expect(update(number) == []) }
    // A stream that was opened and has closed no longer counts, even if it was refused.
    scenario.send(ClientBytes.request(121, [("x", "y")]))
    #expect(update(100) == [])
    scenario.send(ClientBytes.reset(1))
    #expect(update(101) == [])
    #expect(update(102) == [.failed(.protocolError), .goAway(121, .protocolError)])
  }

  @Test func `a queue gives the same as a plain list of its streams`() {
    var queue = SendQueue()
    var model: [Int: Priority] = [:]
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let slot = Int.random(in: 0..<40, using: &random)
      if model[slot] != nil {
        queue.remove(slot)
        model[slot] = nil
      } else {
        let priority = Priority(urgency: .random(in: 0...7, using: &random), isIncremental: .random(using: &random))
        queue.insert(slot, stream: StreamID(2 * slot + 1), priority)
        model[slot] = priority
      }
      #expect(queue.isEmpty == model.isEmpty)
      let first = queue.first
      #expect((first == nil) == model.isEmpty)
      guard let first, let priority = model[first] else { continue }
      #expect(model.values.allSatisfy { $0.urgency >= priority.urgency })
      if !priority.isIncremental {
        #expect(model.allSatisfy { $0.value != priority || $0.key >= first })
      }
      queue.rotate(first)
    }
  }

  @Test func `each stream goes once before another stream of the same urgency goes twice`() {
    var queue = SendQueue()
    for slot in 0..<10 { queue.insert(slot, stream: StreamID(2 * slot + 1), Priority(isIncremental: true)) }
    for _ in 0..<5 {
      var seen: Set<Int> = []
      for _ in 0..<10 {
        guard let first = queue.first else { return }
        seen.insert(first)
        queue.rotate(first)
      }
      #expect(seen.count == 10)
    }
  }
}
