/// Blocking work was refused: all threads for it are busy, and as many calls wait for one as may. The work never begins.
public struct BlockingWorkRefused: Error, Hashable, Sendable {
  /// The limits that it was beyond.
  public let limits: BlockingLimits

  /// Work was refused because of `limits`.
  public init(_ limits: BlockingLimits) { self.limits = limits }
}

extension BlockingWorkRefused: CustomStringConvertible {
  /// As in "blocking work refused: the limits are 512 threads and 4096 calls that wait for one".
  public var description: String {
    "blocking work refused: the limits are \(limits.threads) threads and \(limits.queued) calls that wait for one"
  }
}
