import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import Synchronization
import Testing

/// Tests which ticks come. `IntervalSimulationTests` tests when they come.
@Suite(.timeLimit(.minutes(10))) struct IntervalTests {
  @Test(
    arguments: [
      (.skip, [1, 2, 5, 6, 7]),
      (.catchUp, [1, 2, 3, 4, 5]),
      // Work from 1 s to 4.5 s: the tick of 2 s comes at 4.5 s, and each other one a period after the previous one.
      (.delay, [1, 2, 5.5, 6.5, 7.5]),
    ] as [(MissedTicks, [Double])])
  func `Missed ticks are skipped, made up for, or delayed`(missed: MissedTicks, expected: [Double]) async {
    let clock = FreeClock()
    var ticks: [Double] = []
    for await tick in Interval(every: .seconds(1), on: clock, missed: missed) {
      if ticks.isEmpty { clock.pass(.seconds(3.5)) }
      ticks.append(tick.offset / .seconds(1))
      if ticks.count == 5 { break }
    }
    #expect(ticks == expected)
  }

  @Test(arguments: [MissedTicks.skip, .catchUp, .delay])
  func `Work that takes part of the period moves no tick`(missed: MissedTicks) async {
    let clock = FreeClock()
    var (number, expected) = (0, Duration.zero)
    for await tick in Interval(every: .nanoseconds(10_000_001), on: clock, missed: missed) {
      number += 1
      expected += .nanoseconds(10_000_001)
      #expect(tick.offset == expected && clock.now.offset == expected)
      clock.pass(.nanoseconds(number * 1000 % 10_000_001))
      if number == 1000 { break }
    }
  }

  @Test func `A tick that is due exactly when the late one comes is skipped too`() async {
    let clock = FreeClock()
    var iterator = Interval(every: .seconds(1), on: clock).makeAsyncIterator()
    clock.pass(.seconds(4))
    #expect(await iterator.next()?.offset == .seconds(1))
    #expect(await iterator.next()?.offset == .seconds(5))
  }

  @Test(
    arguments: [
      (Duration(secondsComponent: 0, attosecondsComponent: 1), Duration.seconds(1000)),
      (.nanoseconds(3), .seconds(10 * 31_536_000)),
      (.seconds(7), .seconds(1_000_000_007)),
    ])
  func `However many ticks are missed, the next is the first multiple after now`(period: Duration, work: Duration) async
  {
    let clock = FreeClock()
    var iterator = Interval(every: period, on: clock).makeAsyncIterator()
    clock.pass(work)
    #expect(await iterator.next()?.offset == period)
    let next = await iterator.next()?.offset ?? .zero
    #expect(next > work && next <= work + period)
    // A multiple, to the attosecond.
    #expect(next.attoseconds % period.attoseconds == 0)
  }

  @Test func `The ticks begin with the loop`() async {
    let clock = FreeClock()
    let interval = Interval(every: .seconds(1), on: clock)
    clock.pass(.seconds(60))
    for _ in 0..<2 {
      let start = clock.now
      for await tick in interval {
        #expect(tick.offset == start.offset + .seconds(1))
        break
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `Ticks on a runtime's clock end when the task is cancelled`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let counts = Recorder<Int>()
      try await runtime.spawn {
        await count(every: .milliseconds(1), on: runtime.clock) { number in
          counts.record(number)
          // Cancelled during work, and not in a sleep.
          if number == 3 { withUnsafeCurrentTask { $0?.cancel() } }
        }
      }.value
      #expect(counts.elements == [1, 2, 3])
      let asleep = runtime.spawn { await count(every: .seconds(3600), on: runtime.clock) { counts.record(-$0) } }
      asleep.cancel()
      try await asleep.value
      #expect(counts.elements.count == 3)
    }
  }

  @Test(arguments: Backend.allCases)
  func `Ticks on a runtime's clock end when the runtime is shut down`(backend: Backend) async throws {
    let runtime = try backend.makeRuntime()
    let counts = Recorder<Int>()
    let ticks = runtime.spawn {
      await count(every: .seconds(3600), on: runtime.clock) { counts.record($0) }
    }
    await runtime.shutdown()
    try await ticks.value
    #expect(counts.elements.isEmpty)
  }

  @Test func `The ticks end with the task even on a clock that ignores cancellation`() async {
    let clock = FreeClock()
    let tick = await Task {
      var iterator = Interval(every: .seconds(1), on: clock).makeAsyncIterator()
      withUnsafeCurrentTask { $0?.cancel() }
      return await iterator.next()
    }.value
    #expect(tick == nil)
  }

  @Test func `Once ended, the ticks do not go on`() async {
    let clock = FreeClock()
    var iterator = Interval(every: .seconds(1), on: clock).makeAsyncIterator()
    #expect(await iterator.next() != nil)
    clock.isBroken.store(true, ordering: .relaxed)
    #expect(await iterator.next() == nil)
    clock.isBroken.store(false, ordering: .relaxed)
    #expect(await iterator.next() == nil)
  }

  @Test(arguments: [0, -1])
  func `A period of zero or less is refused`(seconds: Int) async {
    await #expect(processExitsWith: .failure) { [seconds] in
      _ = Interval(every: .seconds(seconds), on: ContinuousClock())
    }
  }
}

/// Calls `body` with the number of each tick.
private func count(every period: Duration, on clock: some Clock<Duration>, _ body: (Int) -> Void) async {
  var number = 0
  for await _ in Interval(every: period, on: clock) {
    number += 1
    body(number)
  }
}

extension Duration {
  fileprivate var attoseconds: Int128 {
    let (seconds, attoseconds) = components
    return Int128(seconds) * 1_000_000_000_000_000_000 + Int128(attoseconds)
  }
}

/// A clock on which a sleep takes no time: it sets the time to the deadline. It ignores cancellation.
private final class FreeClock: Clock {
  struct Instant: InstantProtocol {
    var offset: Duration
    func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    func duration(to other: Instant) -> Duration { other.offset - offset }
    static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
  }

  /// Whether sleeps fail.
  let isBroken = Atomic(false)
  private let time = Lock(Instant(offset: .zero))

  var now: Instant { time.withLock(\.self) }
  var minimumResolution: Duration { .zero }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    if isBroken.load(ordering: .relaxed) { throw CancellationError() }
    time.withLock { $0 = max($0, deadline) }
  }

  /// Lets time pass, as work does.
  func pass(_ duration: Duration) { time.withLock { $0 = $0.advanced(by: duration) } }
}
