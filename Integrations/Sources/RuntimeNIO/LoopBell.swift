import Glibc
import NIOCore
import NIOPosix
import Runtime

/// Has an event loop look at its sockets before it calls: by a pipe, of which the loop hears as of any socket.
///
/// To hand the loop a task, or to set a timer that is due, is not enough. It runs these first, and what they hand to it.
final class LoopBell: @unchecked Sendable {  // `body` is touched on the loop alone.
  private let input: Int32
  private var channel: EventLoopFuture<any Channel>?
  private var body: (@Sendable () -> Void)?

  /// - Throws: what the system says if it has no descriptor to give.
  init(_ eventLoop: any EventLoop) throws(IOError) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw IOError(.open, .system(errno)) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    input = ends[1]
    // It may be rung before its channel is there, which finds the byte then.
    channel = NIOPipeBootstrap(group: eventLoop)
      .channelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Hearing(bell: self)) }
      }
      .takingOwnershipOfDescriptor(input: ends[0])
  }

  /// Has the loop call `body` once it has looked at its sockets. On the loop, and not again before it has been called.
  func ring(_ body: @escaping @Sendable () -> Void) {
    self.body = body
    // A pipe has room for a byte.
    _ = write(input, [1], 1)
  }

  /// To be called once, when it is not rung any more.
  func close() {
    Glibc.close(input)
    channel?.whenSuccess { $0.close(promise: nil) }
  }

  private final class Hearing: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let bell: LoopBell

    init(bell: LoopBell) { self.bell = bell }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      exchange(&bell.body, with: nil)?()
    }
  }
}
