/// The error of a call of `runBlocking` beyond the runtime's limits: all threads are busy and the queue is full. The
/// work never runs.
public struct BlockingWorkRefused: Error, Hashable, Sendable {
  /// The limits of the runtime.
  public let limits: BlockingLimits

  /// Creates the error for a runtime with `limits`.
  public init(_ limits: BlockingLimits) { self.limits = limits }
}

extension BlockingWorkRefused: CustomStringConvertible {
  /// A description such as "blocking work refused: the limits are 512 threads and 4096 waiting calls".
  public var description: String {
    "blocking work refused: the limits are \(limits.threads) threads and \(limits.queued) waiting calls"
  }
}
