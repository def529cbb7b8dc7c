import Glibc
import NIOCore
import NIOPosix
import Runtime

/// Makes an event loop poll its sockets before it calls a function. It uses a pipe, which the loop polls like any
/// socket.
///
/// Submitting a task, or setting a timer that is due, is not enough: the loop runs these, and what they submit, before
/// it polls.
final class LoopBell: @unchecked Sendable {  // `body` is accessed on the loop only.
  private let input: Int32
  private var channel: EventLoopFuture<any Channel>?
  private var body: (@Sendable () -> Void)?

  /// Creates a bell.
  ///
  /// - Throws: the system's error if a descriptor cannot be created.
  init(_ eventLoop: any EventLoop) throws(IOError) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw IOError(.open, .system(errno)) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    input = ends[1]
    // It may be rung before its channel exists, which then finds the byte.
    channel = NIOPipeBootstrap(group: eventLoop)
      .channelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Hearing(bell: self)) }
      }
      .takingOwnershipOfDescriptor(input: ends[0])
  }

  /// Makes the loop call `body` after it has polled its sockets. Must be called on the loop, and not again before the
  /// call.
  func ring(_ body: @escaping @Sendable () -> Void) {
    self.body = body
    // A pipe has room for one byte.
    _ = write(input, [1], 1)
  }

  /// Closes the pipe. Call it once, when the bell is no longer rung.
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
