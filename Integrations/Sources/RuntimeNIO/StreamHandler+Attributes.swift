import Glibc
import NIOCore
import Runtime
import RuntimeKit
import RuntimePrimitives

extension StreamHandler {
  /// Whether this end has not been closed.
  var isOpen: Bool { !state.withLock(\.isClosed) }

  /// The addresses of both ends, as far as they are known.
  var addresses: (local: SocketAddress?, peer: SocketAddress?) {
    state.withLock(\.unixAddresses)
      ?? (channel.localAddress.flatMap { SocketAddress($0) }, channel.remoteAddress.flatMap { SocketAddress($0) })
  }

  /// Whether the peer is still connected, as far as the loop has noticed.
  var peerPresence: PeerPresence {
    state.withLock { state in
      if state.isGone { return .gone }
      switch state.inputEnd {
      case nil: return .present
      case .finished?: return .finished
      case .failed?: return .gone
      }
    }
  }

  /// Whether there are received bytes that have not been read; `nil` once this end is closed.
  var pendingInput: PendingInput? {
    state.withLock { state in
      state.isClosed ? nil : PendingInput(isThere: state.inbox.readableBytes > 0)
    }
  }

  /// Records the names of a Unix-domain connection, of which NIO does not know abstract ones. Must be called on the
  /// loop.
  func noteUnixAddresses() {
    switch channel.localAddress {
    case .v4?, .v6?: return
    default: break
    }
    _ = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      descriptor in
      let local = SocketAddress(writtenBy: { getsockname(descriptor, $0, $1) })
      let peer = SocketAddress(writtenBy: { getpeername(descriptor, $0, $1) })
      state.withLock { $0.unixAddresses = (local, peer) }
    }
  }
}

extension Channel {
  /// Sets socket options that NIO does not support. Must be called on the loop.
  func apply(_ options: TCPOptions) {
    // NIO sets this one itself.
    var options = options
    options.noDelay = false
    guard options.keepAlive != nil || options.unsentLimit != nil || options.resetsOnClose else { return }
    _ = try? pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      options.apply(to: $0)
    }
  }
}
