import RuntimePrimitives
import Testing

@testable import Runtime

@Suite struct TurnTests {
  private static let stride = 16 * 1024

  @Test func `a turn ends after 256 KiB of work, however quickly it is done`() {
    let turn = Turn()
    var answers: [Bool] = []
    for _ in 0..<16 {
      turn.pause()  // The time does not count.
      answers.append(turn.spend(Self.stride))
    }
    let isOver = turn.isOver
    #expect(answers == Array(repeating: false, count: 15) + [true] && isOver)
  }

  @Test func `a turn ends after a quarter of a millisecond, however little is done`() {
    let turn = Turn()
    var answers = [turn.spend(Self.stride)]
    wait()
    // A single byte does not make the turn read the clock.
    answers += [turn.spend(1), turn.spend(Self.stride), turn.isOver]
    #expect(answers == [false, false, true, true])
  }

  @Test func `time that a task waits does not count`() {
    let turn = Turn()
    var answers: [Bool] = []
    for _ in 0..<10 {
      turn.pause()
      answers.append(turn.spend(Self.stride))
      wait()
    }
    #expect(!answers.contains(true))
  }

  @Test func `yielding a turn begins a new one`() async {
    let turn = Turn()
    var answers = [turn.spend(1 << 18)]
    await turn.yieldTurn()
    answers += [turn.isOver, turn.spend((1 << 18) - Self.stride), turn.spend(Self.stride)]
    #expect(answers == [true, false, false, true])
  }

  @Test func `a used-up turn refuses once, and other tasks still get theirs`() async {
    let turn = Turn()
    var answers = [turn.refuses(), turn.spend(1 << 18), turn.refuses(), turn.refuses(), turn.isOver]
    #expect(answers == [false, true, true, false, true])
    // A whole turn follows.
    turn.pause()
    answers = [turn.spend((1 << 18) - Self.stride), turn.refuses()]
    turn.pause()
    answers += [turn.spend(Self.stride), turn.refuses(), turn.isOver]
    #expect(answers == [false, false, true, true, true])
    await turn.yieldTurn()
    answers = [turn.isOver, turn.refuses()]
    #expect(answers == [false, false])
  }

  /// Blocks for longer than a turn lasts.
  private func wait() {
    let start = MonotonicTime.now
    while MonotonicTime.now < start + 250_000 {}
  }
}
