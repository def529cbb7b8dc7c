import Synchronization

/// A worker's own queue of jobs, first in, first out: it pushes and pops without a lock, and others steal the older half.
///
/// A bounded ring after the one in tokio's scheduler (2019). `head` is two numbers in one word: `real`, where the next
/// pop takes from, and `steal`, which stays behind while a thief copies what it has claimed. Equal, nobody is stealing.
/// A slot is written only by the owner, and only once `steal` has passed it, so that no read of a slot races a write.
///
/// Every interleaving of small cases is tried in `ModelTests`, with this very code.
struct RunQueue: ~Copyable, Sendable {
  static var capacity: UInt32 { JobSlots.capacity }

  private let head = Atomic<UInt64>(0)
  private let tail = Atomic<UInt32>(0)
  private let slots = JobSlots()

  // All counters run on and wrap; only their differences count.

  private static func pack(steal: UInt32, real: UInt32) -> UInt64 { UInt64(steal) << 32 | UInt64(real) }
  private static func unpack(_ head: UInt64) -> (steal: UInt32, real: UInt32) {
    (UInt32(truncatingIfNeeded: head >> 32), UInt32(truncatingIfNeeded: head))
  }

  /// How many jobs there are, as seen from any thread at some moment.
  var count: Int {
    // Relaxed: a figure of the past whatever the ordering. Who must not miss a job looks behind a fence.
    let (_, real) = Self.unpack(head.load(ordering: .relaxed))
    return Int(max(0, Int32(bitPattern: tail.load(ordering: .relaxed) &- real)))
  }

  /// How many jobs there is room for. The owner only.
  var room: Int {
    let (steal, _) = Self.unpack(head.load(ordering: .acquiring))  // As in `push`.
    return Int(Self.capacity - (tail.load(ordering: .relaxed) &- steal))
  }

  /// Appends a job. The owner only.
  ///
  /// - Returns: whether there was room.
  func push(_ job: UnownedJob) -> Bool {
    let end = tail.load(ordering: .relaxed)  // Only the owner writes it.
    // Acquiring: pairs with the thief's last exchange, so that it has read a slot before the slot is written again.
    let (steal, _) = Self.unpack(head.load(ordering: .acquiring))
    guard end &- steal < Self.capacity else { return false }
    slots[end] = job
    tail.store(end &+ 1, ordering: .releasing)  // Pairs with the thief's load of `tail`: the slot comes with it.
    return true
  }

  /// Takes the oldest job. The owner only.
  func pop() -> UnownedJob? {
    var before = head.load(ordering: .relaxed)
    while true {
      let (steal, real) = Self.unpack(before)
      guard real != tail.load(ordering: .relaxed) else { return nil }
      let next = real &+ 1
      // While somebody steals, `steal` stays where it is: it guards the slots that are being copied.
      let after = Self.pack(steal: steal == real ? next : steal, real: next)
      // Relaxed: the owner wrote the slot itself, and will itself be the next to write it.
      let (done, seen) = head.compareExchange(expected: before, desired: after, ordering: .relaxed)
      if done { return slots[real] }
      before = seen
    }
  }

  /// Moves half of what is here, rounded up, into `thief`, which the calling worker owns and which is empty.
  ///
  /// - Parameter atLeast: how many there have to be here.
  /// - Returns: the last of them, to be run at once, and how many they were; `nil` if there are too few or somebody else
  ///   is stealing.
  func steal(into thief: borrowing RunQueue, atLeast: UInt32) -> (job: UnownedJob, count: Int)? {
    // Somebody may still be copying out of our queue: then there may be no room.
    guard thief.room >= Self.capacity / 2 else { return nil }
    let start = thief.tail.load(ordering: .relaxed)  // Our own.

    // Relaxed, and so is the claim: they decide whose the slots are. The slots themselves come with `tail`.
    var before = head.load(ordering: .relaxed)
    var count: UInt32
    var first: UInt32
    while true {
      let (steal, real) = Self.unpack(before)
      guard steal == real else { return nil }
      // Acquiring: pairs with the store in `push`, for the slots up to there.
      let available = tail.load(ordering: .acquiring) &- real
      // The head may be old by now: then the two do not belong together, and the exchange below would fail.
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
      // Releasing: pairs with the owner's load in `push`, which may write the slots once it sees this.
      let (done, seen) = head.compareExchange(
        expected: before, desired: Self.pack(steal: real, real: real), ordering: .releasing)
      if done { break }
      before = seen
    }
    let last = thief.slots[start &+ count &- 1]
    if count > 1 { thief.tail.store(start &+ count &- 1, ordering: .releasing) }  // As in `push`.
    return (last, Int(count))
  }

  /// Takes all jobs, in no order that matters. Not for the owner, which may be at its queue meanwhile.
  func stealAll() -> [UnownedJob] {
    var jobs: [UnownedJob] = []
    let loot = RunQueue()
    while let (job, _) = steal(into: loot, atLeast: 1) {
      jobs.append(job)
      while let next = loot.pop() { jobs.append(next) }
    }
    return jobs
  }
}
