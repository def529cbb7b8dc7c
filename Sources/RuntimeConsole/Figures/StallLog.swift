public import Runtime
import RuntimePrimitives

/// A log of a process's last stalls with their times.
///
/// ```swift
/// let stalls = StallLog()
/// try settings.run(program, onStall: { stall in
///   ErrorLog.standard.write(stall)
///   stalls.add(stall)
/// })
/// ```
public final class StallLog: Sendable {
  /// A stall, and when it was reported.
  public struct Entry: Sendable {
    /// The number of the stall, from 1 for the first one of the process.
    public let number: Int
    /// When the stall was reported, as the time since 1970 in UTC. That is at its end, or about a second after its
    /// beginning.
    public let time: Duration
    /// The stall.
    public let stall: Stall
  }

  private struct State {
    var entries: [Entry] = []
    var total = 0
  }

  private let capacity: Int
  private let state = Lock(State())

  /// Creates an empty log.
  ///
  /// - Parameter capacity: the number of stalls to keep. The oldest ones are dropped first.
  public init(capacity: Int = 100) { self.capacity = max(1, capacity) }

  /// Adds `stall` with the current time. It only copies the value, so `StallOptions.report` may call it.
  public func add(_ stall: Stall) {
    let now = Duration.nanoseconds(WallTime.now.nanosecondsSince1970)
    state.withLock { state in
      if state.entries.count == capacity { state.entries.removeFirst() }
      state.total += 1
      state.entries.append(Entry(number: state.total, time: now, stall: stall))
    }
  }

  /// The kept stalls, oldest first.
  public var entries: [Entry] { state.withLock(\.entries) }
}
