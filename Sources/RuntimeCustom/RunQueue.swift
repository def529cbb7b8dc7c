import Synchronization

/// A worker's own queue of jobs, first in, first out. The owner pushes and pops without a lock, and other workers steal
/// the older half.
///
/// It is a bounded ring modelled on tokio's scheduler (2019). `head` packs two numbers into one word: `real`, the index
/// of the next pop, and `steal`, which stays behind while a thief copies the jobs that it has claimed. If they are
/// equal, no thief is active. Only the owner writes a slot, and only once `steal` has passed it, so no read of a slot
/// races with a write.
///
/// `ModelTests` checks all interleavings of small cases with this very code.
struct RunQueue: ~Copyable, Sendable {
  static var capacity: UInt32 { JobSlots.capacity }

  private let head = Atomic<UInt64>(0)
  private let tail = Atomic<UInt32>(0)
  private let slots = JobSlots()

  // All counters wrap around; only their differences matter.

  private static func pack(steal: UInt32, real: UInt32) -> UInt64 { UInt64(steal) << 32 | UInt64(real) }
  private static func unpack(_ head: UInt64) -> (steal: UInt32, real: UInt32) {
    (UInt32(truncatingIfNeeded: head >> 32), UInt32(truncatingIfNeeded: head))
  }

  /// The number of jobs, as seen by any thread at some moment.
  var count: Int {
    // Relaxed: the number may be out of date with any ordering. A reader that must not miss a job reads it after a
    // fence.
    let (_, real) = Self.unpack(head.load(ordering: .relaxed))
    return Int(max(0, Int32(bitPattern: tail.load(ordering: .relaxed) &- real)))
  }

  /// The number of jobs for which there is room. Only the owner may call it.
  var room: Int {
    let (steal, _) = Self.unpack(head.load(ordering: .acquiring))  // Acquiring, as in `push`.
    return Int(Self.capacity - (tail.load(ordering: .relaxed) &- steal))
  }

  /// Appends a job. Only the owner may call it.
  ///
  /// - Returns: whether there was room.
  func push(_ job: UnownedJob) -> Bool {
    let end = tail.load(ordering: .relaxed)  // Relaxed: only the owner writes it.
    // Acquiring: pairs with the thief's last exchange, so that its read of a slot happens before this write.
    let (steal, _) = Self.unpack(head.load(ordering: .acquiring))
    guard end &- steal < Self.capacity else { return false }
    slots[end] = job
    tail.store(end &+ 1, ordering: .releasing)  // Pairs with the thief's load of `tail`, which then sees the slot.
    return true
  }

  /// Removes and returns the oldest job. Only the owner may call it.
  func pop() -> UnownedJob? {
    var before = head.load(ordering: .relaxed)
    while true {
      let (steal, real) = Self.unpack(before)
      guard real != tail.load(ordering: .relaxed) else { return nil }
      let next = real &+ 1
      // While a thief is active, `steal` does not move: it protects the slots that are being copied.
      let after = Self.pack(steal: steal == real ? next : steal, real: next)
      // Relaxed: the owner itself wrote the slot, and will be the next to write it.
      let (done, seen) = head.compareExchange(expected: before, desired: after, ordering: .relaxed)
      if done { return slots[real] }
      before = seen
    }
  }

  /// Moves half of the jobs, rounded up, into `thief`, which the calling worker owns and which is empty.
  ///
  /// - Parameter atLeast: the minimum number of jobs in this queue.
  /// - Returns: the last of the stolen jobs, to be run at once, and their number; `nil` if there are too few, or
  ///   another thief is active.
  func steal(into thief: borrowing RunQueue, atLeast: UInt32) -> (job: UnownedJob, count: Int)? {
    // Another thief may still be copying from the caller's queue, so there may be no room.
    guard thief.room >= Self.capacity / 2 else { return nil }
    let start = thief.tail.load(ordering: .relaxed)  // Relaxed: only the caller writes it.

    // Relaxed, like the claim: they determine the owner of the slots. The load of `tail` makes the slots' contents
    // visible.
    var before = head.load(ordering: .relaxed)
    var count: UInt32
    var first: UInt32
    while true {
      let (steal, real) = Self.unpack(before)
      guard steal == real else { return nil }
      // Acquiring: pairs with the store in `push`, which publishes the slots up to there.
      let available = tail.load(ordering: .acquiring) &- real
      // If the head is out of date, the two values do not match, and the exchange below would fail.
      guard available >= atLeast, available <= Self.capacity else { return nil }
      count = available - available / 2
      first = real
      let claimed = Self.pack(steal: steal, real: real &+ count)
      let (done, seen) = head.compareExchange(expected: before, desired: claimed, ordering: .relaxed)
      if done {
        before = claimed
        break
      }
      before = seen
    }

    for offset in 0..<count { thief.slots[start &+ offset] = slots[first &+ offset] }

    while true {
      let (_, real) = Self.unpack(before)
      // Releasing: pairs with the owner's load in `push`. The owner may write the slots once it sees this.
      let (done, seen) = head.compareExchange(
        expected: before, desired: Self.pack(steal: real, real: real), ordering: .releasing)
      if done { break }
      before = seen
    }
    let last = thief.slots[start &+ count &- 1]
    if count > 1 { thief.tail.store(start &+ count &- 1, ordering: .releasing) }  // Releasing, as in `push`.
    return (last, Int(count))
  }

  /// Takes all jobs, in no particular order. The owner must not call it, since the owner may use the queue meanwhile.
  func stealAll() -> [UnownedJob] {
    var jobs: [UnownedJob] = []
    let stolen = RunQueue()
    while let (job, _) = steal(into: stolen, atLeast: 1) {
      jobs.append(job)
      while let next = stolen.pop() { jobs.append(next) }
    }
    return jobs
  }
}
