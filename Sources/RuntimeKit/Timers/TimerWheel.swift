import Runtime

/// Timers in the order of their deadlines, in ticks of a millisecond: a hierarchical timing wheel (Varghese and Lauck,
/// 1987).
///
/// There are six wheels of 64 slots. A slot of the first wheel is a tick. A slot of each further wheel is a full turn
/// of the previous one. A timer is kept in the coarsest wheel that distinguishes its deadline from now, and moves to
/// finer wheels as time passes. So the cost of insertion and removal does not depend on the number of timers. The wheel
/// is not synchronised.
package struct TimerWheel: ~Copyable {
  /// A timer in a wheel. It is in the list of one slot, or in none.
  package class Timer {
    /// The deadline in ticks.
    fileprivate(set) var deadline: UInt64 = 0
    fileprivate var next: Timer?
    /// Unowned: `next` of the previous timer, or the slot, owns this timer.
    fileprivate unowned(unsafe) var previous: Timer?
    /// The level and the slot; `nil` if it is in no list.
    fileprivate var place: (level: Int, slot: Int)?

    package init() {}
  }

  private struct Level {
    /// A bit for each nonempty slot.
    var occupied: UInt64 = 0
    var slots = [Timer?](repeating: nil, count: 64)
  }

  private static let levelCount = 6
  private static let levelBits = 6
  /// How far ahead a timer can be placed, in ticks: two years, less the current slot. A later timer is placed again
  /// when it comes up.
  private static let reach: UInt64 = 63 << (levelBits * (levelCount - 1))

  private var levels = [Level](repeating: Level(), count: levelCount)
  /// The tick up to which all timers have been fired.
  private var now: UInt64
  package private(set) var count = 0

  package init(now: UInt64) {
    self.now = now
  }

  /// Inserts `timer`, to be fired by the first `advance` to `deadline` or later.
  package mutating func insert(_ timer: Timer, at deadline: UInt64) {
    // A timer that is already due fires with the next tick, because the current slot has been processed.
    timer.deadline = max(deadline, now + 1)
    count += 1
    link(timer)
  }

  /// Removes `timer`.
  ///
  /// - Returns: whether it was in the wheel.
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

  /// The next tick at which advancing can have an effect; no timer is due before it. `nil` if there is no timer.
  package var nextTick: UInt64? { nextSlot()?.tick }

  /// Advances to `tick` and passes each due timer to `fire`, in the order of deadlines.
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

  /// Removes all timers and passes each to `body`.
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
    // The highest bit in which the deadline differs from now determines the wheel, and the bits of that wheel the slot.
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

  /// Returns the first nonempty slot, and the tick at which it begins.
  private func nextSlot() -> (level: Int, slot: Int, tick: UInt64)? {
    for (index, level) in levels.enumerated() where level.occupied != 0 {
      let shift = UInt64(index * Self.levelBits)
      let position = (now >> shift) & 63
      // Rotated so that the current slot comes first. Slots before it belong to the next turn of the wheel.
      let turned = level.occupied >> position | level.occupied << ((64 - position) & 63)
      let slot = (position + UInt64(turned.trailingZeroBitCount)) & 63
      let turn = now & ~((64 << shift) - 1)
      var start = turn + slot << shift
      // Only in the last wheel: the others contain nothing beyond their turn.
      if start <= now { start += 64 << shift }
      return (index, Int(slot), start)
    }
    return nil
  }
}
