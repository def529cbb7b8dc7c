import Runtime
import RuntimeSimulation
import Testing

struct TraceComparisonTests {
  /// Returns the trace of a run that notes these lines.
  private func trace(_ notes: [String]) async throws -> SimulationTrace {
    try await simulate(seed: 1) { runtime in
      for note in notes { runtime.note(note) }
    }.trace
  }

  @Test func `Two runs are shown where they part, with what both have before and what each has after`() async throws {
    let here = try await trace(["one", "two", "three", "four", "five", "six"])
    let there = try await trace(["one", "two", "drei"])
    let text = try #require(here.comparison(with: there, lines: 2))
    #expect(
      text == """
        The runs differ after line 3:
          0 s: task 1 notes: one
          0 s: task 1 notes: two
        - 0 s: task 1 notes: three
        - 0 s: task 1 notes: four
        - (and \(here.lines.count - 5) more)
        + 0 s: task 1 notes: drei
        + \(there.lines[4])
        """ + (there.lines.count > 5 ? "\n+ (and \(there.lines.count - 5) more)" : ""))
  }

  @Test func `Equal runs do not part`() async throws {
    let here = try await trace(["one"])
    let there = try await trace(["one"])
    #expect(here.comparison(with: there) == nil)
  }
}
