/// Frames that are read together, and the actions that they lead to after the lock is released. A connection has a
/// batch while it reads; its arrays are reused.
final class HTTP2Batch: @unchecked Sendable {  // Used only by the task that took it from the pool.
  /// The least room for a read, in bytes: the longest frame that a peer may send, with its header.
  static let leastRoom = FrameHeader.size + 16_384
  private static let capacity = 2 * leastRoom
  /// The most work that is done under one hold of the lock, in the units of ``Turn``: two thousand of the smallest
  /// frames, which take a fraction of a millisecond, and more requests than a client may have streams.
  static let mostWork = 128 * 1024
  /// The largest capacity for requests that is kept.
  private static let mostArrivals = 1024

  struct Arrival: Sendable {
    var slot: Int
    var stream: StreamID
    var request: Request
    /// Whether no content of the request is still to come.
    var isWhole: Bool
    /// Whether the request is refused because of overload.
    var isRefused = false
  }

  /// Whether the requests in this batch may be refused because of overload.
  @exclusivity(unchecked) var isOverloaded = false
  @exclusivity(unchecked) var input = ByteBuffer(capacity: capacity)
  /// Memory for connections whose frames are read.
  @exclusivity(unchecked) var memory = HTTP2Memory()
  @exclusivity(unchecked) var arrivals: [Arrival] = []
  @exclusivity(unchecked) var answers: [(slot: Int, response: Response)] = []
  @exclusivity(unchecked) var tasks: [(slot: Int, stream: StreamID, task: Task<Void, any Error>)] = []
  @exclusivity(unchecked) var tasksToCancel: [Task<Void, any Error>] = []
  @exclusivity(unchecked) var continuationsToResume: [UnsafeContinuation<Void, Never>] = []

  /// Removes the first `count` requests.
  func removeArrivals(_ count: Int) {
    if count == arrivals.count { arrivals.removeAll(keepingCapacity: true) } else { arrivals.removeFirst(count) }
  }

  /// Whether the input may begin with a DATA frame, by its fourth byte.
  var mayHoldData: Bool { input.count < 4 || input.contents[3] == FrameType.data.rawValue }
}

extension HTTP2Batch: Reusable {
  func reset() -> Bool {
    input.removeAll()
    isOverloaded = false
    return arrivals.capacity <= Self.mostArrivals
  }
}
