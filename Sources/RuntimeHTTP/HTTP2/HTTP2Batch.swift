/// Frames that are read at once, and what they lead to once the lock is free again. A connection has one while it reads;
/// its arrays are used over and over.
final class HTTP2Batch: @unchecked Sendable {  // In one pair of hands at a time: those of who took it from the pool.
  /// The longest frame that we let a peer send.
  static let leastRoom = FrameHeader.size + 16_384
  private static let capacity = 2 * leastRoom
  /// How much of it is taken in under one hold of the lock, in the units of ``Turn``: two thousand of the smallest frames,
  /// which take a fraction of a millisecond, and more requests than a client may have streams.
  static let mostWork = 128 * 1024
  /// One that has had room for more requests than this is not kept.
  private static let mostArrivals = 1024

  struct Arrival: Sendable {
    var slot: Int
    var stream: StreamID
    var request: Request
    /// Whether the request has no content that is still to come.
    var isWhole: Bool
    /// Whether it is refused, as there is too much to do.
    var isRefused = false
  }

  /// Whether the requests that come with it are refused.
  @exclusivity(unchecked) var isOverloaded = false
  @exclusivity(unchecked) var input = ByteBuffer(capacity: capacity)
  @exclusivity(unchecked) var arrivals: [Arrival] = []
  @exclusivity(unchecked) var answers: [(slot: Int, response: Response)] = []
  @exclusivity(unchecked) var tasks: [(slot: Int, stream: StreamID, task: Task<Void, any Error>)] = []
  @exclusivity(unchecked) var orphans: [Task<Void, any Error>] = []
  @exclusivity(unchecked) var awake: [UnsafeContinuation<Void, Never>] = []

  /// Takes the first `count` requests out.
  func removeArrivals(_ count: Int) {
    if count == arrivals.count { arrivals.removeAll(keepingCapacity: true) } else { arrivals.removeFirst(count) }
  }

  /// Whether what is there may begin a DATA frame: the fourth byte tells.
  var mayHoldData: Bool { input.count < 4 || input.taken[3] == FrameType.data.rawValue }
}

extension HTTP2Batch: Reusable {
  func reset() -> Bool {
    input.removeAll()
    isOverloaded = false
    return arrivals.capacity <= Self.mostArrivals
  }
}
