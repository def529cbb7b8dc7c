/// Whether bytes have come over a connection that have not been read, as far as a stream can tell without reading them.
///
/// A server that shuts down asks for it, so that it does not close a connection whose next request has come. Sockets,
/// streams in memory and simulated ones know.
public struct PendingInput: StreamAttribute, Hashable {
  /// Whether a read would return bytes at once.
  public var isThere: Bool

  /// Says whether a read would return bytes at once.
  public init(isThere: Bool) { self.isThere = isThere }
}
