/// Whether the other end of a connection is there still, as far as a stream can tell without reading from it.
///
/// A server asks for it on behalf of a handler that takes long. Sockets, streams in memory and simulated ones know.
public struct PeerPresence: StreamAttribute, Hashable {
  private enum Kind: Hashable {
    case present, finished, gone
  }

  private let kind: Kind

  private init(_ kind: Kind) { self.kind = kind }

  /// Nothing is known against it. It may have gone without a word, as a machine does that loses power.
  public static let present = PeerPresence(.present)
  /// It has said that it writes no more. It may have closed its end, or read on: the difference shows only when something
  /// is written to it.
  public static let finished = PeerPresence(.finished)
  /// It takes nothing any more: the connection has been reset, or is closed both ways.
  public static let gone = PeerPresence(.gone)
}
