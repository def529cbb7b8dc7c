public import Runtime
import RuntimePrimitives

/// The last stalls of a process, each with its time, to be looked at later.
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
    /// Its number: the first of the process is 1.
    public let number: Int
    /// When it was reported, by the wall clock: the time since the beginning of 1970 in UTC. That is when it was over, or
    /// about a second after it had begun.
    public let time: Duration
    /// What is known of it.
    public let stall: Stall
  }

  private struct State {
    var entries: [Entry] = []
    var total = 0
  }

  private let capacity: Int
  private let state = Lock(State())

  /// An empty log.
  ///
  /// - Parameter capacity: how many stalls it keeps; the oldest ones go first.
  public init(capacity: Int = 100) { self.capacity = max(1, capacity) }

  /// Adds `stall` at the present time. It takes no longer than a copy, as `StallOptions.report` asks for.
  public func add(_ stall: Stall) {
    let now = Duration.nanoseconds(WallTime.now.nanosecondsSince1970)
    state.withLock { state in
      if state.entries.count == capacity { state.entries.removeFirst() }
      state.total += 1
      state.entries.append(Entry(number: state.total, time: now, stall: stall))
    }
  }

  /// The stalls that it has kept, the oldest first.
  public var entries: [Entry] { state.withLock(\.entries) }
}
