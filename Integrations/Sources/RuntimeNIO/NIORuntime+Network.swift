import Glibc
import NIOCore
import NIOPosix
public import Runtime
import RuntimeKit
import RuntimePrimitives

extension NIORuntime {
  public func listen(
    on address: Runtime.SocketAddress, options: ListenOptions
  ) async throws(Runtime.IOError) -> NIOListener {
    try await listen(options) { () throws(IOError) in try ListeningSocket(on: address, options: options) }
  }

  /// Listens on a socket that another process has opened. See `Network.listen(onInherited:options:)`.
  ///
  /// NIO sets the backlog of the socket, so it becomes that of `options`.
  public func listen(
    onInherited socket: InheritedSocket, options: ListenOptions
  ) async throws(Runtime.IOError) -> NIOListener {
    try await listen(options) { () throws(IOError) in try ListeningSocket(inherited: socket) }
  }

  private func listen(
    _ options: ListenOptions, _ makeSocket: () throws(IOError) -> ListeningSocket
  ) async throws(IOError) -> NIOListener {
    await closingListeners.wait()
    if channels.isClosed { throw IOError(.listen, .closed) }
    let socket = try makeSocket()
    let handler = ListenerHandler { [channels, closingListeners] handler, channel in
      socket.removeName()
      closingListeners.insert(channel)
      channels.remove(handler)
    }
    let bootstrap = ServerBootstrap(group: executor.someLoop.eventLoop, childGroup: group)
      .serverChannelInitializer { channel in
        // NIO has called it with its own backlog of 128.
        Glibc.listen(socket.descriptor, options.backlog)
        return channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler) }
      }
      .childChannelOption(.tcpOption(.tcp_nodelay), value: options.tcp.noDelay ? 1 : 0)
      .childChannelInitializer { [channels] channel in
        channel.eventLoop.makeCompletedFuture {
          let stream = try Self.makeStream(of: channel, options.tcp, in: channels)
          stream.handler.onActive = { handler.deliver(stream) }
        }
      }
    do {
      _ = try await bootstrap.withBoundSocket(socket.descriptor).get()
    } catch {
      socket.removeName()
      throw Failure(error).error(.listen)
    }
    guard channels.insert(handler) else { throw IOError(.listen, .closed) }
    return NIOListener(handler, at: socket.localAddress, options, clock: clock)
  }

  public func connect(
    to address: Runtime.SocketAddress, options: ConnectOptions
  ) async throws(Runtime.IOError) -> NIOStream {
    await closingListeners.wait()
    if channels.isClosed { throw IOError(.connect, .closed) }
    let attempt = ConnectAttempt()
    let bootstrap = ClientBootstrap(group: executor.someLoop.eventLoop)
      .connectTimeout(.hours(24))  // The system gives up much earlier.
      .channelOption(.tcpOption(.tcp_nodelay), value: options.tcp.noDelay ? 1 : 0)
      .channelInitializer { [channels] channel in
        channel.eventLoop.makeCompletedFuture {
          attempt.setStream(try Self.makeStream(of: channel, options.tcp, in: channels))
        }
      }
    let isConnected: EventLoopFuture<any Channel>
    if let address = NIOCore.SocketAddress(address) {
      isConnected = bootstrap.connect(to: address)
    } else {
      isConnected = bootstrap.withConnectedSocket(try await unixDescriptor(connectedTo: address))
    }
    do {
      try await withTaskCancellationHandler {
        _ = try await isConnected.get()
      } onCancel: {
        attempt.cancel()
      }
    } catch {
      if channels.isClosed { throw IOError(.connect, .closed) }
      throw attempt.isCancelled ? IOError(.connect, .cancelled) : Failure(error).error(.connect)
    }
    guard let stream = attempt.finish() else { throw IOError(.connect, .cancelled) }
    return stream
  }

  /// Connects to a Unix-domain socket, which NIO cannot do if the listener's backlog is full or its name is abstract.
  private func unixDescriptor(connectedTo address: SocketAddress) async throws(IOError) -> Int32 {
    let descriptor = socket(
      address.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw IOError(.socket, .system(errno)) }
    do throws(IOError) {
      while address.withSystemAddress({ Glibc.connect(descriptor, $0, $1) }) != 0 {
        switch errno {
        case EINTR: continue
        case EAGAIN:
          // The backlog is full, and no event signals when there is room.
          do {
            try await clock.sleep(for: .milliseconds(2))
          } catch {
            throw IOError(.connect, channels.isClosed ? .closed : .cancelled)
          }
        case let code: throw IOError(.connect, .system(code))
        }
      }
      return descriptor
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  /// Creates a stream from a new connection's channel, to be closed at shutdown. Must be called on the channel's loop.
  private static func makeStream(
    of channel: any Channel, _ options: TCPOptions, in channels: OpenChannels
  ) throws -> NIOStream {
    channel.apply(options)
    let handler = StreamHandler(channel, resetsOnClose: options.resetsOnClose)
    let stream = try NIOStream(handler)
    handler.onEnd = { [unowned handler] in channels.remove(handler) }
    guard channels.insert(handler) else { throw ChannelError.ioOnClosedChannel }
    return stream
  }
}

/// An attempt to connect, which may be cancelled.
private final class ConnectAttempt: Sendable {
  private let state = Lock((stream: NIOStream?.none, isCancelled: false, isOver: false))

  var isCancelled: Bool { state.withLock(\.isCancelled) }

  /// Sets the stream of the attempt.
  func setStream(_ stream: NIOStream) {
    let isCancelled = state.withLock { state in
      state.stream = stream
      return state.isCancelled
    }
    if isCancelled { stream.handler.abort() }
  }

  /// Cancels the attempt, unless it has ended.
  func cancel() {
    let stream = state.withLock { state in
      if !state.isOver { state.isCancelled = true }
      return state.isCancelled ? state.stream : nil
    }
    stream?.handler.abort()
  }

  /// Finishes the attempt.
  ///
  /// - Returns: the stream; `nil` if the attempt was cancelled before.
  func finish() -> NIOStream? {
    state.withLock { state in
      state.isOver = true
      return state.isCancelled ? nil : state.stream
    }
  }
}

extension StreamHandler: OpenChannels.Member {}
