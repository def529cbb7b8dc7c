import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport

/// What a client makes of it when a connection to a ``Scenario``'s server does not go as it should.
///
/// The simulation knows what it has dealt to a connection. Where that excuses nothing, and neither does what the client has
/// done itself, every answer has to come, and anything else is the server's fault.
struct Verdict: Sendable {
  let stream: SimulatedStream
  let manner: Scenario.Manner
  let patience: Patience
  let isShuttingDown: @Sendable () -> Bool

  /// What a server does not wait for.
  struct Patience: Sendable {
    /// The faults that a connection need not survive.
    let deadly: Set<Fault.Kind>
    /// Whether a client that takes its time may be cut off.
    let isShort: Bool
    /// Whether the server may end before it has done what it was asked, and say so.
    let hasLittleGrace: Bool

    init(_ options: ServerOptions) {
      // The longest delays of the rough network, one after another, are far less than the usual timeouts.
      isShort = options.stallTimeout < .seconds(10)
      deadly = isShort ? [.reset, .delay, .fullBuffer, .partition, .acceptFailure] : [.reset]
      hasLittleGrace = options.shutdownGrace < .seconds(10)
    }
  }

  /// Whether it may end badly at any time.
  var isExcused: Bool {
    manner == .fickle || manner == .slow && patience.isShort
      || stream.faults.contains { patience.deadly.contains($0.kind) }
  }

  /// Checks that a connection which has ended, by an error or without one, might end.
  func checkEnd(_ what: @autoclosure () -> String) throws {
    try expect(isExcused || isShuttingDown(), "\(what()) ended, and only the server has had a part in it")
  }

  /// Checks that a stream of HTTP/2 without a whole response might be left without one.
  ///
  /// - Parameter lastStream: the last one that the server has said it answers, if it has.
  func checkLoss(of stream: UInt32, after lastStream: UInt32?, _ what: @autoclosure () -> String) throws {
    if isExcused || isShuttingDown() && (patience.hasLittleGrace || stream > lastStream ?? 0) { return }
    throw Ledger.Wrong("\(what()) was not answered, and only the server has had a part in it")
  }

  /// Whether `status` is no answer, but says that there will be none. Checks that the server may say so.
  func isRefusal(_ status: Int) throws -> Bool {
    switch status {
    case 408:
      try expect(isExcused, "a client that was as quick as may be was told that it was too slow")
      return true
    case 503:
      try expect(patience.hasLittleGrace && isShuttingDown(), "a server that has time said that it had none")
      return true
    default: return false
    }
  }

  /// Checks that a server which ends the connection with an answer has a reason to.
  func checkClosing() throws {
    try expect(isExcused || isShuttingDown(), "the server closes a connection that might go on")
  }
}
