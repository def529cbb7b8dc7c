import Runtime
import RuntimeHTTP
import RuntimePrimitives

/// A stream of snapshots as server-sent events, shared by all clients.
///
/// Time is divided into intervals, and the streams of all clients wait for the next interval. The first one to wake
/// takes the snapshot, and the others send the same bytes.
final class SnapshotFeed: Sendable {
  private struct Event {
    var interval: Int64 = .min
    var bytes: [UInt8] = []
  }

  private let length: Int64
  private let sleep: @Sendable (Duration) async throws -> Void
  private let offload: @Sendable (@escaping @Sendable () -> [UInt8]) async throws -> [UInt8]
  private let sample: @Sendable () -> [UInt8]
  private let last = Lock(Event())

  /// Creates a feed.
  ///
  /// - Parameters:
  ///   - interval: the time between two events.
  ///   - offload: runs its argument on a thread that may be busy for a while.
  ///   - sample: takes a snapshot, as JSON on one line.
  init(
    every interval: Duration, sleep: @escaping @Sendable (Duration) async throws -> Void,
    offload: @escaping @Sendable (@escaping @Sendable () -> [UInt8]) async throws -> [UInt8] = { $0() },
    sample: @escaping @Sendable () -> [UInt8]
  ) {
    // A lower bound, since a very short interval would keep a thread busy.
    length = max(10_000_000, interval.nanoseconds)
    self.sleep = sleep
    self.offload = offload
    self.sample = sample
  }

  /// Writes events until `isEnding` returns `true` or the client has disconnected.
  func write(to writer: BodyWriter, until isEnding: @Sendable () -> Bool) async throws {
    // A browser that loses the stream reconnects after a second.
    try await writer.write("retry: 1000\n\n")
    while !isEnding() {
      try await writer.write(try await offload { [self] in event(at: MonotonicTime.now) })
      try await sleep(.nanoseconds(length - MonotonicTime.now % length))
    }
  }

  private func event(at time: Int64) -> [UInt8] {
    last.withLock { last in
      guard last.interval != time / length else { return last.bytes }
      last.interval = time / length
      last.bytes = Array("data: ".utf8) + sample() + Array("\n\n".utf8)
      return last.bytes
    }
  }
}
