import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport

/// The judgement of a client on a connection to a ``Scenario``'s server that ended badly.
///
/// The simulation knows the faults of a connection. If neither these nor the client's own behaviour are an excuse,
/// every response must come, and anything else is the server's fault.
struct Verdict: Sendable {
  let stream: SimulatedStream
  let manner: Scenario.Manner
  let patience: Patience
  let isShuttingDown: @Sendable () -> Bool

  /// The limits of a server's patience.
  struct Patience: Sendable {
    /// The faults that a connection need not survive.
    let deadly: Set<Fault.Kind>
    /// Whether the server may cut off a slow client.
    let isShort: Bool
    /// Whether the server may end before it has answered all requests, and say so.
    let hasLittleGrace: Bool

    init(_ options: ServerOptions) {
      // The longest delays of the rough network, one after another, are far shorter than the default timeouts.
      isShort = options.stallTimeout < .seconds(10)
      deadly = isShort ? [.reset, .delay, .fullBuffer, .partition, .acceptFailure] : [.reset]
      hasLittleGrace = options.shutdownGrace < .seconds(10)
    }
  }

  /// Whether the connection may end badly at any time.
  var isExcused: Bool {
    manner == .fickle || manner == .slow && patience.isShort
      || stream.faults.contains { patience.deadly.contains($0.kind) }
  }

  /// Checks that a connection which has ended, with or without an error, was allowed to.
  func checkEnd(_ what: @autoclosure () -> String) throws {
    try expect(isExcused || isShuttingDown(), "\(what()) ended, and no fault excuses that")
  }

  /// Checks that an HTTP/2 stream was allowed to end without a complete response.
  ///
  /// - Parameter lastStream: the last stream that the server has promised to answer, if it has sent GOAWAY.
  func checkLoss(of stream: UInt32, after lastStream: UInt32?, _ what: @autoclosure () -> String) throws {
    if isExcused || isShuttingDown() && (patience.hasLittleGrace || stream > lastStream ?? 0) { return }
    throw Ledger.Wrong("\(what()) was not answered, and no fault excuses that")
  }

  /// Returns whether `status` says that there will be no answer, and checks that the server may say so.
  func isRefusal(_ status: Int) throws -> Bool {
    switch status {
    case 408:
      try expect(isExcused, "a client that was fast enough got a 408")
      return true
    case 503:
      try expect(patience.hasLittleGrace && isShuttingDown(), "a server that had time sent a 503")
      return true
    default: return false
    }
  }

  /// Checks that a server which closes the connection after a response has a reason to.
  func checkClosing() throws {
    try expect(isExcused || isShuttingDown(), "the server closes a connection that might go on")
  }
}
