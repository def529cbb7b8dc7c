/// The places of a run queue's ring, which know nothing of each other or of who may touch them when.
///
/// Apart, so that the model checker can put its own in their stead, which are few and notice races.
struct JobSlots: ~Copyable, @unchecked Sendable {  // `RunQueue` says who may touch a slot, and when.
  /// A power of two; tokio's figure too. What is more goes to the shared queue.
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
