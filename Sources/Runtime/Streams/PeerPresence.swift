/// Whether the peer is still connected, as far as a stream can tell without reading.
///
/// A server uses it to detect that the client of a slow handler has gone. Sockets, in-memory streams and simulated
/// streams provide it.
public struct PeerPresence: StreamAttribute, Hashable {
  private enum Kind: Hashable {
    case present, finished, gone
  }

  private let kind: Kind

  private init(_ kind: Kind) { self.kind = kind }

  /// No sign of a disconnect. The peer may still have vanished silently, for example by a power failure.
  public static let present = PeerPresence(.present)
  /// The peer has closed its write side. It may have closed the connection or may still read; only a write can tell.
  public static let finished = PeerPresence(.finished)
  /// The peer receives nothing any more: the connection has been reset, or is closed in both directions.
  public static let gone = PeerPresence(.gone)
}
