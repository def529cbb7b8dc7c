import RuntimePrimitives

/// The shared settings of a server's connections, which can be replaced while the server runs.
///
/// ```swift
/// for await _ in hangUps { try source.replace(configuration) }  // The files have new certificates.
/// ```
public final class TLSSource: Sendable {
  private struct State {
    var context: TLSContext
    var ticketKeys: TicketKeys?
    var ticketKeyLifetime: Duration?
  }

  private let state: Lock<State>

  /// Creates a source from `configuration`. It reads files, which blocks.
  ///
  /// - Throws: ``TLSConfigurationError``, which names the invalid file or setting.
  public init(_ configuration: TLSConfiguration) throws(TLSConfigurationError) {
    let keys = try Self.keys(configuration)
    let context = try TLSContext(configuration, isServer: true, ticketKeys: keys)
    state = Lock(State(context: context, ticketKeys: keys, ticketKeyLifetime: configuration.ticketKeyLifetime))
  }

  /// Applies `configuration` to new connections. Existing connections are not affected. It reads files, which blocks.
  ///
  /// Sessions can still be resumed, unless the lifetime of the ticket keys or the demands on clients change.
  ///
  /// - Throws: ``TLSConfigurationError``, in which case the previous settings remain.
  public func replace(_ configuration: TLSConfiguration) throws(TLSConfigurationError) {
    let old = state.withLock { $0 }
    let isKept = old.ticketKeyLifetime == configuration.ticketKeyLifetime
    let keys = isKept ? old.ticketKeys : try Self.keys(configuration)
    let context = try TLSContext(configuration, isServer: true, ticketKeys: keys)
    let new = State(context: context, ticketKeys: keys, ticketKeyLifetime: configuration.ticketKeyLifetime)
    state.withLock { $0 = new }
  }

  /// The context for new connections.
  var context: TLSContext { state.withLock { $0.context } }

  private static func keys(_ configuration: TLSConfiguration) throws(TLSConfigurationError) -> TicketKeys? {
    if let lifetime = configuration.ticketKeyLifetime { try TicketKeys(lifetime: lifetime) } else { nil }
  }
}
