import Synchronization

/// A worker's own queue of jobs: it pushes and pops without a lock, and others steal the older half.
///
/// A bounded ring after the one in tokio's scheduler (2019). `head` is two numbers in one word: `real`, where the next
/// pop takes from, and `steal`, which stays behind while a thief copies what it has claimed. Equal, nobody is stealing.
/// A slot is written only by the owner, and only once `steal` has passed it, so that no read of a slot races a write.
struct RunQueue: ~Copyable, @unchecked Sendable {  // Slots are handed over through `head` and `tail`, as said above.
  static let capacity: UInt32 = 256
  private static let mask = capacity - 1

  private let head = Atomic<UInt64>(0)
  private let tail = Atomic<UInt32>(0)
  private let slots = UnsafeMutablePointer<UnownedJob>.allocate(capacity: Int(capacity))

  deinit {
    slots.deallocate()
  }

  // All counters run on and wrap; only their differences count.

  private static func pack(steal: UInt32, real: UInt32) -> UInt64 { UInt64(steal) << 32 | UInt64(real) }
  private static func unpack(_ head: UInt64) -> (steal: UInt32, real: UInt32) {
    (UInt32(truncatingIfNeeded: head >> 32), UInt32(truncatingIfNeeded: head))
  }

  private subscript(index: UInt32) -> UnownedJob {
    get { slots[Int(index & Self.mask)] }
    nonmutating set { slots[Int(index & Self.mask)] = newValue }
  }

  /// How many jobs there are, as seen from any thread at some moment.
  var count: Int {
    let (_, real) = Self.unpack(head.load(ordering: .acquiring))
    return Int(max(0, Int32(bitPattern: tail.load(ordering: .acquiring) &- real)))
  }

  /// Appends a job. The owner only.
  ///
  /// - Returns: jobs that no longer fit, for the shared queue: none, or half of what is here and `job`.
  func push(_ job: UnownedJob) -> [UnownedJob] {
    while true {
      // Acquiring: a thief that has let go of a slot has read it.
      let before = head.load(ordering: .acquiring)
      let (steal, real) = Self.unpack(before)
      let end = tail.load(ordering: .relaxed)  // Only the owner writes it.
      if end &- steal < Self.capacity {
        self[end] = job
        tail.store(end &+ 1, ordering: .releasing)  // Whoever sees the new end sees the slot.
        return []
      }
      // A thief is about to make room. Until it has, jobs go elsewhere.
      if steal != real { return [job] }
      let half = Self.capacity / 2
      let claimed = Self.pack(steal: real &+ half, real: real &+ half)
      // Releasing, as in `pop`; acquiring is not needed, since the owner wrote what it reads here.
      if head.compareExchange(expected: before, desired: claimed, ordering: .acquiringAndReleasing).exchanged {
        return (0..<half).map { self[real &+ $0] } + [job]
      }
    }
  }

  /// Takes the oldest job. The owner only.
  func pop() -> UnownedJob? {
    var before = head.load(ordering: .acquiring)
    while true {
      let (steal, real) = Self.unpack(before)
      guard real != tail.load(ordering: .relaxed) else { return nil }
      let next = real &+ 1
      // While somebody steals, `steal` stays where it is: it guards the slots that are being copied.
      let after = Self.pack(steal: steal == real ? next : steal, real: next)
      let (done, seen) = head.compareExchange(expected: before, desired: after, ordering: .acquiringAndReleasing)
      if done { return self[real] }
      before = seen
    }
  }

  /// Moves half of what is here, rounded up, into `thief`, which the calling worker owns and which is empty.
  ///
  /// - Returns: the last of them, to be run at once; `nil` if there is nothing or somebody else is stealing.
  func steal(into thief: borrowing RunQueue) -> UnownedJob? {
    let start = thief.tail.load(ordering: .relaxed)  // Our own.
    // Somebody may still be copying out of our queue: then there may be no room.
    let (theirSteal, _) = Self.unpack(thief.head.load(ordering: .acquiring))
    if start &- theirSteal > Self.capacity / 2 { return nil }

    var before = head.load(ordering: .acquiring)
    var count: UInt32
    var first: UInt32
    while true {
      let (steal, real) = Self.unpack(before)
      guard steal == real else { return nil }
      let available = tail.load(ordering: .acquiring) &- real  // Acquiring: the slots up to there.
      // The head may be old by now: then the two do not belong together, and the exchange below would fail.
      guard available > 0, available <= Self.capacity else { return nil }
      count = available - available / 2
      first = real
      let claimed = Self.pack(steal: steal, real: real &+ count)
      let (done, seen) = head.compareExchange(expected: before, desired: claimed, ordering: .acquiringAndReleasing)
      if done {
        before = claimed
        break
      }
      before = seen
    }

    for offset in 0..<count { thief[start &+ offset] = self[first &+ offset] }

    while true {
      let (_, real) = Self.unpack(before)
      // Releasing: the owner may overwrite the slots once it sees this, and our reads come before.
      let (done, seen) = head.compareExchange(
        expected: before, desired: Self.pack(steal: real, real: real), ordering: .acquiringAndReleasing)
      if done { break }
      before = seen
    }
    count -= 1
    let last = thief[start &+ count]
    if count > 0 { thief.tail.store(start &+ count, ordering: .releasing) }
    return last
  }
}
