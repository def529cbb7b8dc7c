/// The slots of a run queue's ring, without synchronisation.
///
/// They are separate so that the model checker can substitute its own, which are few and detect races.
struct JobSlots: ~Copyable, @unchecked Sendable {  // `RunQueue` governs access to the slots.
  /// A power of two, and the same as tokio's. Further jobs go to the shared queue.
  static let capacity: UInt32 = 256

  private let slots = UnsafeMutablePointer<UnownedJob>.allocate(capacity: Int(capacity))

  deinit {
    slots.deallocate()
  }

  subscript(index: UInt32) -> UnownedJob {
    get { slots[Int(index % Self.capacity)] }
    nonmutating set { slots[Int(index % Self.capacity)] = newValue }
  }
}
