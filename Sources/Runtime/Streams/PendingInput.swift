/// Whether received bytes are waiting to be read, as far as a stream can tell without reading.
///
/// A server uses it during shutdown to avoid closing a connection whose next request has arrived. Sockets, in-memory
/// streams and simulated streams provide it.
public struct PendingInput: StreamAttribute, Hashable {
  /// Whether a read would return bytes at once.
  public var isThere: Bool

  /// Creates the attribute.
  public init(isThere: Bool) { self.isThere = isThere }
}
