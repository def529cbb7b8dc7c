import NIOCore
import RuntimePrimitives

/// Listeners that have been closed and whose loops have still to close them.
///
/// What opens something waits for them, so that in the order of the calls an address that was closed is free.
final class ClosingListeners: Sendable {
  private let ends = Lock([ObjectIdentifier: EventLoopFuture<Void>]())

  /// Notes a listening channel that is about to be closed.
  func insert(_ channel: any Channel) {
    let identity = ObjectIdentifier(channel)
    ends.withLock { $0[identity] = channel.closeFuture }
    channel.closeFuture.whenComplete { _ in
      self.ends.withLock { _ = $0.removeValue(forKey: identity) }
    }
  }

  /// Returns when those are closed that are being closed.
  func wait() async {
    // A channel's end does not fail.
    for end in ends.withLock({ Array($0.values) }) { try? await end.get() }
  }
}
