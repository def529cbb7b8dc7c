public import Runtime
import RuntimeKit

/// A listener on a NIO channel.
public final class NIOListener: StreamListener {
  public let localAddress: Runtime.SocketAddress
  private let handler: ListenerHandler
  private let options: ListenOptions
  private let clock: TimerClock

  init(_ handler: ListenerHandler, at address: SocketAddress, _ options: ListenOptions, clock: TimerClock) {
    self.handler = handler
    self.options = options
    self.clock = clock
    localAddress = address
  }

  deinit { close() }

  /// The delay before the next attempt if descriptors have run out.
  private static let pause = Duration.milliseconds(20)

  public func accept() async throws(Runtime.IOError) -> NIOStream {
    while true {
      switch await handler.accept() {
      case .stream(let stream): return stream
      case .ended(let reason): throw IOError(.accept, reason)
      case .shortage(let code):
        options.onShortage?(IOError(.accept, .system(code)))
        do {
          try await clock.sleep(for: Self.pause)
        } catch {
          throw IOError(.accept, Task.isCancelled ? .cancelled : .closed)
        }
      }
    }
  }

  public func close() { handler.close() }

  public func closeAndWait() async {
    close()
    await handler.waitUntilClosed()
  }
}
