import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import Testing

/// A command of a register.
enum RegisterCommand: Hashable, Sendable, CustomStringConvertible {
  case get
  case put(Int)

  /// Applies the command to a register. A `put` has no outcome.
  func apply(to register: inout Int) -> Int? {
    switch self {
    case .get: return register
    case .put(let value):
      register = value
      return nil
    }
  }

  var description: String {
    switch self {
    case .get: "get"
    case .put(let value): "put(\(value))"
    }
  }
}

struct HistoryTests {
  typealias RegisterHistory = History<RegisterCommand, Int?>
  private struct Lost: Error {}

  /// Records commands that take the given times and have the given outcomes, and checks the history.
  private func check(
    _ commands: [(RegisterCommand, ClosedRange<Int>, outcome: Int??)]
  ) async throws {
    try await simulate(seed: 1) { runtime in
      let history = RegisterHistory(runtime)
      await withDiscardingTaskGroup { group in
        for (command, time, outcome) in commands {
          group.addTask {
            try? await runtime.clock.sleep(for: .seconds(time.lowerBound))
            _ = try? await history.record(command) {
              try? await runtime.clock.sleep(for: .seconds(time.upperBound - time.lowerBound))
              guard let outcome else { throw Lost() }
              return outcome
            }
          }
        }
      }
      try history.checkLinearizability(from: 0) { $1.apply(to: &$0) }
    }
  }

  /// Returns why the history is not that of a register.
  private func refusal(
    _ commands: [(RegisterCommand, ClosedRange<Int>, outcome: Int??)]
  ) async throws -> NotLinearizable {
    let failure = try await #require(throws: SimulationFailure.self) { try await check(commands) }
    guard case .thrown(let error as NotLinearizable) = failure.cause else { throw failure }
    return error
  }

  @Test func `What one thing at a time can have done is linearizable, whatever goes on at once`() async throws {
    try await check([])
    try await check([(.put(1), 1...2, .some(nil)), (.get, 3...4, 1)])
    // Either may have come first, and the call that read the old value may have returned last.
    try await check([(.put(1), 1...10, .some(nil)), (.get, 2...12, 0), (.get, 3...5, 1)])
    try await check([(.put(1), 1...10, .some(nil)), (.put(2), 1...10, .some(nil)), (.get, 11...12, 1)])
    try await check([(.put(1), 1...10, .some(nil)), (.put(2), 1...10, .some(nil)), (.get, 11...12, 2)])
  }

  @Test func `What nothing can have done is refused, and the refusal says which operations do not fit`() async throws {
    let refusal = try await refusal([
      (.put(1), 1...2, .some(nil)), (.get, 3...4, 1), (.put(2), 5...6, .some(nil)), (.get, 7...9, 1), (.get, 8...9, 2),
    ])
    #expect(refusal.state == "2")
    #expect(refusal.ordered.count == 4)
    #expect(
      refusal.unexplained == ["7 s to 9 s: call 4, get, returned Optional(1), and would have returned Optional(2)"])
    #expect(refusal.description.contains("3 s to 4 s: call 2, get, returned Optional(1)"))
  }

  @Test func `No operation takes effect before one that returned before its call`() async throws {
    _ = try await refusal([(.put(1), 1...2, .some(nil)), (.get, 3...4, 0)])
    // The second read does not see what the first had seen, which had returned before.
    _ = try await refusal([(.put(1), 1...10, .some(nil)), (.get, 2...3, 1), (.get, 4...5, 0)])
  }

  @Test func `A pending operation may have taken effect or not, and its effect lasts`() async throws {
    for outcome in [0, 1] { try await check([(.put(1), 1...2, nil), (.get, 3...4, outcome)]) }
    try await check([(.put(1), 1...2, nil), (.get, 3...4, 0), (.get, 5...6, 1)])
    _ = try await refusal([(.put(1), 1...2, nil), (.get, 3...4, 1), (.get, 5...6, 0)])
    // A call cannot take effect before it begins.
    _ = try await refusal([(.get, 1...2, 1), (.put(1), 3...4, nil)])
  }

  @Test func `The verdict equals that of trying all orders`() async throws {
    let verdicts = Recorder<Bool>()
    try await simulate(seeds: 1...400) { runtime in
      let history = RegisterHistory(runtime)
      let events = Recorder<Event>()
      await withDiscardingTaskGroup { group in
        for number in 0..<5 {
          group.addTask {
            let command = RegisterCommand.allOfTwo.randomElement() ?? .get
            try? await runtime.clock.sleep(for: .seconds(.random(in: 0...3)))
            events.record(.call(number, command))
            _ = try? await history.record(command) {
              try? await runtime.clock.sleep(for: .seconds(.random(in: 0...3)))
              if Int.random(in: 0..<5) == 0 { throw Lost() }
              let outcome = command == .get ? Int.random(in: 0...2) : nil
              events.record(.end(number, outcome))
              return outcome
            }
          }
        }
      }
      var isLinearizable = true
      do {
        try history.checkLinearizability(from: 0) { $1.apply(to: &$0) }
      } catch {
        isLinearizable = false
      }
      #expect(isLinearizable == Self.hasOrder(events.elements), "\(events.elements)")
      verdicts.record(isLinearizable)
    }
    // There are enough histories of both kinds.
    #expect(verdicts.elements.count { $0 } > 50)
    #expect(verdicts.elements.count { !$0 } > 50)
  }

  enum Event: Sendable {
    case call(Int, RegisterCommand)
    case end(Int, Int?)
  }

  /// Returns whether an order explains the events, by trying each.
  private static func hasOrder(_ events: [Event]) -> Bool {
    var commands: [Int: (RegisterCommand, position: Int)] = [:]
    var ends: [Int: (Int?, position: Int)] = [:]
    for (position, event) in events.enumerated() {
      switch event {
      case .call(let number, let command): commands[number] = (command, position)
      case .end(let number, let outcome): ends[number] = (outcome, position)
      }
    }
    func explains(_ order: [Int]) -> Bool {
      if ends.keys.contains(where: { !order.contains($0) }) { return false }
      for (index, later) in order.enumerated() {
        for earlier in order[..<index] where (ends[later]?.position ?? .max) < (commands[earlier]?.position ?? 0) {
          return false
        }
      }
      var register = 0
      return order.allSatisfy { number in
        let outcome = commands[number]?.0.apply(to: &register)
        return ends[number].map { $0.0 == outcome } ?? true
      }
    }
    /// Tries all orders of all subsets.
    func hasOrder(_ begun: [Int], _ rest: Set<Int>) -> Bool {
      explains(begun) || rest.contains { hasOrder(begun + [$0], rest.subtracting([$0])) }
    }
    return hasOrder([], Set(commands.keys))
  }

  @Test func `Reads from a copy that is behind are found`() async throws {
    func serve(_ isStale: Bool) async throws {
      try await simulate(seeds: 1...100, faults: .calm) { runtime in
        let (original, copy) = (Recorder<Int>(), Recorder<Int>())
        let history = RegisterHistory(runtime)
        try await withThrowingDiscardingTaskGroup { group in
          for number in 1...3 {
            group.addTask {
              for step in 1...3 {
                try await runtime.clock.sleep(for: .milliseconds(.random(in: 0...20)))
                _ = await history.record(.put(number * 10 + step)) {
                  original.record(number * 10 + step)
                  runtime.spawn {
                    try await runtime.clock.sleep(for: .milliseconds(.random(in: 1...10)))
                    copy.record(number * 10 + step)
                  }
                  return nil
                }
                _ = try await history.record(.get) {
                  try await runtime.clock.sleep(for: .milliseconds(.random(in: 0...2)))
                  return (isStale ? copy : original).elements.last ?? 0
                }
              }
            }
          }
        }
        try history.checkLinearizability(from: 0) { $1.apply(to: &$0) }
      }
    }
    try await serve(false)
    let failure = try await #require(throws: SimulationFailure.self) { try await serve(true) }
    #expect(failure.description.contains("not linearizable"))
    #expect(failure.trace.lines.contains { $0.contains("notes: call 1: put(") })
  }

  @Test func `A long history is checked in a moment`() async throws {
    try await simulate(seed: 1) { runtime in
      let history = RegisterHistory(runtime)
      let register = Recorder<Int>()
      await withDiscardingTaskGroup { group in
        for number in 1...5 {
          group.addTask {
            for step in 1...200 {
              try? await runtime.clock.sleep(for: .milliseconds(.random(in: 0...5)))
              let command = Bool.random() ? RegisterCommand.get : .put(number * 1000 + step)
              _ = await history.record(command) {
                try? await runtime.clock.sleep(for: .milliseconds(.random(in: 0...5)))
                defer { if case .put(let value) = command { register.record(value) } }
                return command == .get ? register.elements.last ?? 0 : nil
              }
            }
          }
        }
      }
      try history.checkLinearizability(from: 0) { $1.apply(to: &$0) }
    }
  }
}

extension RegisterCommand {
  static let allOfTwo: [RegisterCommand] = [.get, .get, .put(1), .put(2)]
}
