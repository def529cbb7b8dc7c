import RuntimePrimitives
public import Synchronization

/// A turn of a task on its worker: how much work the task may do before it has to let other tasks run.
///
/// A turn lasts about a quarter of a millisecond, or 256 KiB of work, whichever ends first. Work is measured in bytes.
/// An operation that costs more than its bytes counts as the number of bytes that take the same time. The clock is read
/// once per 16 KiB of work, so a task that does less than that between two waits never reads it.
///
/// Several tasks may share a turn. The loads and stores are relaxed and not atomic together: a lost update only changes
/// the length of a turn.
///
/// The code that runs with every operation is inlinable, because sockets and connections are in other modules.
@frozen
@usableFromInline
package struct Turn: ~Copyable, Sendable {
  /// The longest turn, in nanoseconds. With it, forty connections that always have work delay each other and all other
  /// tasks of their worker by ten milliseconds. It is still hundreds of times the cost of a yield.
  private static var longest: Int64 { 250_000 }
  /// The most work in a turn. It bounds a turn in which the clock is never read twice.
  @inlinable static var budget: Int { 256 * 1024 }
  /// The amount of work after which the clock is read, a power of two: a sixteenth of a turn.
  @inlinable static var stride: Int { 16 * 1024 }

  /// The amount that a system call counts for, in addition to its bytes.
  @inlinable package static var systemCall: Int { 4 * 1024 }
  /// The amount that a call of a handler counts for.
  @inlinable package static var handlerCall: Int { 2 * 1024 }
  /// The amount that starting a task for a handler counts for. The task runs later, at the expense of tasks that wait
  /// for the same worker, so one turn must not start many.
  @inlinable package static var handlerTask: Int { 16 * 1024 }
  /// The amount that an HTTP/2 frame counts for, in addition to its bytes.
  @inlinable package static var frame: Int { 64 }

  /// The work done so far. The sign bit is set if the turn began with a refusal (``refuses()``) and other tasks have
  /// not run since.
  @usableFromInline let work = Atomic(0)
  /// The time at which the clock was first read in this turn; 0 if it has not been read, or if the task has waited
  /// since.
  @usableFromInline let startTime = Atomic<Int64>(0)

  @inlinable package init() {}

  /// Whether other tasks should run before this one continues: the turn is used up, or began with a refusal.
  @inlinable
  @inline(__always)
  package var isOver: Bool {
    // One comparison covers both: as an unsigned number, a value with the sign bit is large.
    UInt(bitPattern: work.load(ordering: .relaxed)) >= UInt(bitPattern: Self.budget)
  }

  /// Returns whether an operation that cannot wait must be refused because the turn is used up. If so, begins a new
  /// turn.
  ///
  /// A refused task waits next, but not necessarily here: it may sleep or yield elsewhere. Therefore one refusal has to
  /// be enough. A wait that lets other tasks run when the turn is over also does so after a refusal.
  @inlinable
  @inline(__always)
  package func refuses() -> Bool { work.load(ordering: .relaxed) < Self.budget ? false : refuse() }

  @inline(never)
  @usableFromInline
  func refuse() -> Bool {
    work.store(.min, ordering: .relaxed)
    startTime.store(0, ordering: .relaxed)
    return true
  }

  /// Adds `amount` to the work done.
  ///
  /// - Returns: whether the turn is used up.
  @inlinable
  @inline(__always)
  @discardableResult
  package func spend(_ amount: Int) -> Bool {
    let before = work.load(ordering: .relaxed)
    let after = before + amount
    work.store(after, ordering: .relaxed)
    // The stride is a power of two, and both sums have the same sign. So they differ in the stride's bit or a higher
    // one exactly if the sum has crossed a multiple of the stride.
    return before ^ after < Self.stride ? false : checkClock(work: after)
  }

  /// Reads the clock, and ends the turn if it has lasted too long.
  @inline(never)
  @usableFromInline
  func checkClock(work: Int) -> Bool {
    if work & .max >= Self.budget {
      self.work.store(work & .max, ordering: .relaxed)
      return true
    }
    let now = MonotonicTime.now
    let start = startTime.load(ordering: .relaxed)
    if start == 0 {
      startTime.store(now, ordering: .relaxed)
      return false
    }
    guard now - start >= Self.longest else { return false }
    self.work.store(Self.budget, ordering: .relaxed)
    return true
  }

  /// Notes that the task may wait next, so that the time until it continues does not count. The work still counts,
  /// since the task may turn out not to wait.
  @inlinable
  @inline(__always)
  package func pause() { startTime.store(0, ordering: .relaxed) }

  /// Begins a new turn. Call it when the task waits.
  @inlinable
  @inline(__always)
  package func restart() {
    work.store(0, ordering: .relaxed)
    startTime.store(0, ordering: .relaxed)
  }

  /// Lets other tasks run, and begins a new turn.
  package func yieldTurn() async {
    restart()
    await Task.yieldByItsLoop()
    pause()
  }
}
