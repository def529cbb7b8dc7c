/// For how long the task that waited for a stream to be readable has then waited for a thread.
///
/// A server asks for it when the task goes on, to tell whether it has more to do than it can. Sockets note it from the
/// first time on that they are asked; so that time, and where the task has not waited since the last, there is none.
public struct QueueTime: StreamAttribute, Hashable {
  /// The time from when the stream was found to be readable.
  public var duration: Duration

  /// A task has waited for that long.
  public init(_ duration: Duration) { self.duration = duration }
}
