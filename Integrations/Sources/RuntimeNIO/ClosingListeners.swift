import NIOCore
import RuntimePrimitives

/// The closed listeners whose event loops have not closed their channels yet.
///
/// Operations that open a channel wait for them, so that an address is free once its listener has been closed.
final class ClosingListeners: Sendable {
  private let ends = Lock([ObjectIdentifier: EventLoopFuture<Void>]())

  /// Records a listening channel that is about to be closed.
  func insert(_ channel: any Channel) {
    let identity = ObjectIdentifier(channel)
    ends.withLock { $0[identity] = channel.closeFuture }
    channel.closeFuture.whenComplete { _ in
      self.ends.withLock { _ = $0.removeValue(forKey: identity) }
    }
  }

  /// Waits until all recorded channels are closed.
  func wait() async {
    // The close future of a channel does not fail.
    for end in ends.withLock({ Array($0.values) }) { try? await end.get() }
  }
}
