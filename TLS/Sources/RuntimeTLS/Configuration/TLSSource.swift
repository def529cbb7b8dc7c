import RuntimePrimitives

/// What the connections of a server have in common, which can be replaced while the server runs.
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

  /// A source of connections as `configuration` says. It reads files, which blocks.
  ///
  /// - Throws: ``TLSConfigurationError``, which names the file or the setting that cannot be used.
  public init(_ configuration: TLSConfiguration) throws(TLSConfigurationError) {
    let keys = try Self.keys(configuration)
    let context = try TLSContext(configuration, isServer: true, ticketKeys: keys)
    state = Lock(State(context: context, ticketKeys: keys, ticketKeyLifetime: configuration.ticketKeyLifetime))
  }

  /// Has new connections be as `configuration` says; those that there are go on as they are. It reads files, which blocks.
  ///
  /// Sessions can still be resumed, unless the lifetime of the ticket keys changes, or what is asked of clients.
  ///
  /// - Throws: ``TLSConfigurationError``; then everything stays as it was.
  public func replace(_ configuration: TLSConfiguration) throws(TLSConfigurationError) {
    let old = state.withLock { $0 }
    let isKept = old.ticketKeyLifetime == configuration.ticketKeyLifetime
    let keys = isKept ? old.ticketKeys : try Self.keys(configuration)
    let context = try TLSContext(configuration, isServer: true, ticketKeys: keys)
    let new = State(context: context, ticketKeys: keys, ticketKeyLifetime: configuration.ticketKeyLifetime)
    state.withLock { $0 = new }
  }

  /// What a connection that begins now has in common with others.
  var context: TLSContext { state.withLock { $0.context } }

  private static func keys(_ configuration: TLSConfiguration) throws(TLSConfigurationError) -> TicketKeys? {
    if let lifetime = configuration.ticketKeyLifetime { try TicketKeys(lifetime: lifetime) } else { nil }
  }
}
