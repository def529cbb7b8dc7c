import Runtime

/// Timers in the order of their deadlines, by the millisecond: a hierarchical timing wheel (Varghese and Lauck, 1987).
///
/// Six wheels of 64 slots. A slot of the first is a millisecond, a slot of each next one is a whole turn of the wheel
/// before it. A timer lies in the coarsest wheel that tells its deadline from now, and moves inwards as time goes by, so
/// that inserting and removing cost the same however many timers there are. It is a value that somebody else locks.
package struct TimerWheel: ~Copyable {
  /// A timer in a wheel. It is in one slot's list, or in none.
  package class Timer {
    /// In ticks.
    fileprivate(set) var deadline: UInt64 = 0
    fileprivate var next: Timer?
    /// Not owned: `next` of the one before, or the slot, owns this timer.
    fileprivate unowned(unsafe) var previous: Timer?
    /// Level and slot; `nil` in no list.
    fileprivate var place: (level: Int, slot: Int)?

    package init() {}
  }

  private struct Level {
    /// A bit for each slot that holds anything.
    var occupied: UInt64 = 0
    var slots = [Timer?](repeating: nil, count: 64)
  }

  private static let levelCount = 6
  private static let levelBits = 6
  /// How far ahead a timer may lie: two years, less the slot that now is in. A later one is put off when it comes up.
  private static let reach: UInt64 = 63 << (levelBits * (levelCount - 1))

  private var levels = [Level](repeating: Level(), count: levelCount)
  /// The tick up to which all has been fired.
  private var now: UInt64
  package private(set) var count = 0

  package init(now: UInt64) {
    self.now = now
  }

  /// Adds `timer`, to be fired by the first `advance` to `deadline` or later.
  package mutating func insert(_ timer: Timer, at deadline: UInt64) {
    // One that is due already goes off with the next tick: the slot of this one has been seen to.
    timer.deadline = max(deadline, now + 1)
    count += 1
    link(timer)
  }

  /// Takes `timer` out.
  ///
  /// - Returns: whether it was in.
  @discardableResult
  package mutating func remove(_ timer: Timer) -> Bool {
    guard let (level, slot) = timer.place else { return false }
    timer.place = nil
    count -= 1
    let next = timer.next
    next?.previous = timer.previous
    if let previous = timer.previous {
      previous.next = next
    } else {
      levels[level].slots[slot] = next
      if next == nil { levels[level].occupied &= ~(1 << UInt64(slot)) }
    }
    timer.next = nil
    timer.previous = nil
    return true
  }

  /// No timer is due before this tick, at which it is worth advancing. `nil` if there is no timer.
  package var nextTick: UInt64? { nextSlot()?.tick }

  /// Moves on to `tick` and gives each timer that is due to `fire`, in the order of the deadlines.
  package mutating func advance(to tick: UInt64, _ fire: (Timer) -> Void) {
    while let (level, slot, start) = nextSlot(), start <= tick {
      now = start
      var timer = levels[level].slots[slot]
      levels[level].slots[slot] = nil
      levels[level].occupied &= ~(1 << UInt64(slot))
      while let current = timer {
        timer = current.next
        current.next = nil
        current.previous = nil
        current.place = nil
        if current.deadline <= now {
          count -= 1
          fire(current)
        } else {
          link(current)
        }
      }
    }
    now = max(now, tick)
  }

  /// Takes all timers out.
  package mutating func removeAll(_ body: (Timer) -> Void) {
    for level in levels.indices {
      for slot in levels[level].slots.indices {
        while let timer = levels[level].slots[slot] {
          remove(timer)
          body(timer)
        }
      }
    }
  }

  private mutating func link(_ timer: Timer) {
    // The highest bit in which the deadline differs from now tells the wheel, and the bits of that wheel the slot.
    let reachable = min(timer.deadline, now + Self.reach)
    let difference = (reachable ^ now) | 63
    let level = min((63 - difference.leadingZeroBitCount) / Self.levelBits, Self.levelCount - 1)
    let slot = Int(reachable >> UInt64(level * Self.levelBits)) & 63
    let first = levels[level].slots[slot]
    first?.previous = timer
    timer.next = first
    timer.previous = nil
    timer.place = (level, slot)
    levels[level].slots[slot] = timer
    levels[level].occupied |= 1 << UInt64(slot)
  }

  /// The first slot that holds anything, and the tick at which it begins.
  private func nextSlot() -> (level: Int, slot: Int, tick: UInt64)? {
    for (index, level) in levels.enumerated() where level.occupied != 0 {
      let shift = UInt64(index * Self.levelBits)
      let position = (now >> shift) & 63
      // Turned so that the slot of now comes first; those before it belong to the wheel's next turn.
      let turned = level.occupied >> position | level.occupied << ((64 - position) & 63)
      let slot = (position + UInt64(turned.trailingZeroBitCount)) & 63
      let turn = now & ~((64 << shift) - 1)
      var start = turn + slot << shift
      // Only in the last wheel: the others hold nothing beyond their turn.
      if start <= now { start += 64 << shift }
      return (index, Int(slot), start)
    }
    return nil
  }
}
