import Glibc
import NIOCore
import NIOPosix
import Runtime

/// Makes an event loop poll its sockets before it calls a function. It uses a pipe, which the loop polls like any
/// socket.
///
/// Submitting a task, or setting a timer that is due, is not enough: the loop runs these, and what they submit, before
/// it polls.
final class PollTrigger: @unchecked Sendable {  // `body` is accessed on the loop only.
  private let input: Int32
  private var channel: EventLoopFuture<any Channel>?
  private var body: (@Sendable () -> Void)?

  /// Creates a trigger.
  ///
  /// - Throws: the system's error if a descriptor cannot be created.
  init(_ eventLoop: any EventLoop) throws(IOError) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw IOError(.open, .system(errno)) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    input = ends[1]
    // It may be triggered before its channel exists, which then finds the byte.
    channel = NIOPipeBootstrap(group: eventLoop)
      .channelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ReadHandler(trigger: self))
        }
      }
      .takingOwnershipOfDescriptor(input: ends[0])
  }

  /// Makes the loop call `body` after it has polled its sockets. Must be called on the loop, and not again before the
  /// call.
  func callAfterPolling(_ body: @escaping @Sendable () -> Void) {
    self.body = body
    // A pipe has room for one byte.
    _ = write(input, [1], 1)
  }

  /// Closes the pipe. Call it once, when the trigger is no longer used.
  func close() {
    Glibc.close(input)
    channel?.whenSuccess { $0.close(promise: nil) }
  }

  private final class ReadHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let trigger: PollTrigger

    init(trigger: PollTrigger) { self.trigger = trigger }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      exchange(&trigger.body, with: nil)?()
    }
  }
}
