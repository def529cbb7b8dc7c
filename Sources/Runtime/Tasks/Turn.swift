import RuntimePrimitives
public import Synchronization

/// A turn of a task on its worker: how much the task may do before it has to let other tasks run.
///
/// A turn lasts about a quarter of a millisecond, or 256 KiB of work, whichever ends first. Work is counted in bytes; an
/// operation that costs more than its bytes counts for as many as take the same time. The clock is read once for each
/// 16 KiB of work, so that a task which does less than that between two waits never reads it.
///
/// Several tasks may use one turn at a time. The loads and stores are relaxed and not atomic together: what is lost that
/// way is the exact length of a turn.
///
/// What is done for every operation is inlinable, as sockets and connections are other modules'.
@frozen
@usableFromInline
package struct Turn: ~Copyable, Sendable {
  /// The longest turn, in nanoseconds: forty connections that always have work keep each other, and everyone else, waiting
  /// for ten milliseconds on one worker. It is still hundreds of times what a yield costs.
  private static var longest: Int64 { 250_000 }
  /// The most work in a turn. It bounds a turn where the clock is never read twice.
  @inlinable static var most: Int { 256 * 1024 }
  /// After how much work the clock is read, a power of two: a sixteenth of a turn.
  @inlinable static var stride: Int { 16 * 1024 }

  /// What a system call counts for beside its bytes.
  @inlinable package static var systemCall: Int { 4 * 1024 }
  /// What a call of a handler counts for.
  @inlinable package static var handlerCall: Int { 2 * 1024 }
  /// What the start of a task for a handler counts for. The task takes its time later, from those that wait on the same
  /// worker, so that one turn must not start many.
  @inlinable package static var handlerTask: Int { 16 * 1024 }
  /// What an HTTP/2 frame counts for beside its bytes.
  @inlinable package static var frame: Int { 64 }

  /// The work so far. Its sign bit says that the turn has begun with a refusal (``refuses()``), and others are still to
  /// have theirs.
  @usableFromInline let work = Atomic(0)
  /// When the clock was first read in this turn; 0 if it has not been, or the task has waited since.
  @usableFromInline let began = Atomic<Int64>(0)

  @inlinable package init() {}

  /// Whether others are to have their turn before the task goes on: this one is used up, or has begun with a refusal.
  @inlinable
  @inline(__always)
  package var isOver: Bool {
    // One comparison for both: what has the sign bit is a large number without a sign.
    UInt(bitPattern: work.load(ordering: .relaxed)) >= UInt(bitPattern: Self.most)
  }

  /// Whether an operation that cannot wait is refused, because the turn is used up. If so, a new one begins.
  ///
  /// The task waits when it has been refused, but where is its own affair: it may sleep, or yield. So one refusal has to
  /// be enough. A wait that gives a turn when the old one is over does so after a refusal as well.
  @inlinable
  @inline(__always)
  package func refuses() -> Bool { work.load(ordering: .relaxed) < Self.most ? false : refuse() }

  @inline(never)
  @usableFromInline
  func refuse() -> Bool {
    work.store(.min, ordering: .relaxed)
    began.store(0, ordering: .relaxed)
    return true
  }

  /// Counts `amount` of work that has been done.
  ///
  /// - Returns: whether the turn is used up.
  @inlinable
  @inline(__always)
  @discardableResult
  package func spend(_ amount: Int) -> Bool {
    let before = work.load(ordering: .relaxed)
    let after = before + amount
    work.store(after, ordering: .relaxed)
    // A stride is a power of two: the sums differ in its bit, or in a higher one, exactly if one lies behind the other's.
    // They have the same sign.
    return before ^ after < Self.stride ? false : look(at: after)
  }

  /// Reads the clock, and ends the turn if it has taken too long.
  @inline(never)
  @usableFromInline
  func look(at work: Int) -> Bool {
    if work & .max >= Self.most {
      self.work.store(work & .max, ordering: .relaxed)
      return true
    }
    let now = MonotonicTime.now
    let start = began.load(ordering: .relaxed)
    if start == 0 {
      began.store(now, ordering: .relaxed)
      return false
    }
    guard now - start >= Self.longest else { return false }
    self.work.store(Self.most, ordering: .relaxed)
    return true
  }

  /// Notes that the task may wait next, so that the time until it goes on does not count. Work goes on counting: the wait
  /// may turn out to be none.
  @inlinable
  @inline(__always)
  package func pause() { began.store(0, ordering: .relaxed) }

  /// Begins a new turn. To be called when the task waits.
  @inlinable
  @inline(__always)
  package func restart() {
    work.store(0, ordering: .relaxed)
    began.store(0, ordering: .relaxed)
  }

  /// Lets others run, and begins a new turn.
  package func give() async {
    restart()
    await Task.yieldByItsLoop()
    pause()
  }
}
