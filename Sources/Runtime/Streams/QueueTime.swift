/// How long the reading task waited for a thread after the stream had become readable.
///
/// A server uses it to detect overload. A socket records it only after the first request for it. So there is no value
/// the first time, nor if the task has not waited since the last time.
public struct QueueTime: StreamAttribute, Hashable {
  /// The time since the stream was found to be readable.
  public var duration: Duration

  /// Creates the attribute.
  public init(_ duration: Duration) { self.duration = duration }
}
