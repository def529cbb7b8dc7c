import Runtime
import RuntimeKit
import Testing

@Suite struct TimerWheelTests {
  /// A wheel whose timers are numbered.
  private final class Numbered {
    private var wheel: TimerWheel
    private var timers: [TimerWheel.Timer] = []

    init(now: UInt64) { wheel = TimerWheel(now: now) }

    var count: Int { wheel.count }
    var nextTick: UInt64? { wheel.nextTick }

    func insert(at deadlines: UInt64...) { deadlines.forEach(insert) }

    func insert(at deadline: UInt64) {
      timers.append(TimerWheel.Timer())
      wheel.insert(timers[timers.count - 1], at: deadline)
    }

    func remove(_ number: Int) -> Bool { wheel.remove(timers[number]) }

    func fired(upTo tick: UInt64) -> [Int] {
      var fired: [Int] = []
      wheel.advance(to: tick) { timer in fired.append(timers.firstIndex { $0 === timer } ?? -1) }
      return fired
    }

    func removeAll() -> Int {
      var removed = 0
      wheel.removeAll { _ in removed += 1 }
      return removed
    }
  }

  @Test(arguments: [1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 262_143, 262_144, 1 << 24, 1 << 30, 1 << 36, 1 << 40])
  func `A timer goes off at its tick and not before`(delay: UInt64) {
    for start: UInt64 in [0, 1, 63, 64, 4000, 123_456_789] {
      let wheel = Numbered(now: start)
      wheel.insert(at: start + delay)
      #expect(wheel.fired(upTo: start + delay - 1) == [])
      #expect(wheel.count == 1)
      #expect(wheel.fired(upTo: start + delay) == [0])
      #expect(wheel.count == 0)
      #expect(wheel.nextTick == nil)
    }
  }

  @Test func `Going from one nextTick to the next fires everything at its own deadline`() {
    for _ in 0..<100 {
      let start = UInt64.random(in: 0..<1 << 33)
      let wheel = Numbered(now: start)
      let deadlines = (0..<50).map { _ in start + 1 + (UInt64.random(in: 0...(1 << 38)) >> UInt64.random(in: 0...38)) }
      for deadline in deadlines { wheel.insert(at: deadline) }
      var order: [UInt64] = []
      while let next = wheel.nextTick {
        for number in wheel.fired(upTo: next) {
          #expect(deadlines[number] == next)
          order.append(next)
        }
      }
      #expect(order == deadlines.sorted())
    }
  }

  @Test func `One jump fires everything that has become due, in the order of the deadlines`() {
    let wheel = Numbered(now: 10)
    wheel.insert(at: 5000, 11, 100, 70, 300_000, 12, 4096)
    #expect(wheel.fired(upTo: 6000) == [1, 5, 3, 2, 6, 0])
    #expect(wheel.count == 1)
  }

  @Test func `A timer that is already due goes off with the next tick`() {
    let wheel = Numbered(now: 100)
    wheel.insert(at: 3)
    #expect(wheel.nextTick == 101)
    #expect(wheel.fired(upTo: 101) == [0])
  }

  @Test func `A removed timer does not go off, and its neighbours do`() {
    let wheel = Numbered(now: 0)
    for _ in 0..<9 { wheel.insert(at: 500) }
    for number in [0, 4, 8, 5] {
      #expect(wheel.remove(number))
      #expect(!wheel.remove(number))
    }
    #expect(wheel.fired(upTo: 500).sorted() == [1, 2, 3, 6, 7])
    #expect(!wheel.remove(1))
  }

  @Test func `A timer years ahead does not hide a nearer one`() {
    let wheel = Numbered(now: 12345)
    wheel.insert(at: 1 << 50, 12345 + (20 << 30))
    #expect(wheel.fired(upTo: 12345 + (20 << 30)) == [1])
    #expect(wheel.fired(upTo: (1 << 50) - 1) == [])
    #expect(wheel.fired(upTo: 1 << 50) == [0])
  }

  @Test func `removeAll empties it`() {
    let wheel = Numbered(now: 0)
    for number: UInt64 in 0..<1000 { wheel.insert(at: number * number + 1) }
    #expect(wheel.removeAll() == 1000)
    #expect(wheel.count == 0)
    #expect(wheel.nextTick == nil)
  }
}
