import NIOCore
import Runtime
import Synchronization

/// The error of an operation on a substitute NIO channel: the connection belongs to Gearbox, and there is no real
/// channel.
public struct EngineOwnsConnection: Error, Sendable, CustomStringConvertible {
  let what: String

  /// A description of the refused operation.
  public var description: String {
    "\(what) was refused: the connection belongs to Gearbox, and this channel is only a substitute for one of NIO's"
  }
}

/// A substitute for a SwiftNIO channel where an API requires one. It knows the addresses, and refuses all operations.
///
/// ``tearDown()`` must be called, because a channel and its pipeline refer to each other.
final class EngineChannel: Channel {
  private struct State {
    var pipeline: ChannelPipeline?
    var closePromise: EventLoopPromise<Void>?
    var hasEnded = false
  }

  // Most requests need none of the following, so they are created on demand.
  private let local: Runtime.SocketAddress?
  private let remote: Runtime.SocketAddress?
  private let loop = InlineEventLoop()
  private let state = Mutex(State())

  init(localAddress: Runtime.SocketAddress? = nil, remoteAddress: Runtime.SocketAddress? = nil) {
    local = localAddress
    remote = remoteAddress
  }

  /// Tears the channel down: its close future succeeds, and streams of its pipeline end.
  func tearDown() {
    let (pipeline, closePromise) = state.withLock { state in
      state.hasEnded = true
      defer { (state.pipeline, state.closePromise) = (nil, nil) }
      return (state.pipeline, state.closePromise)
    }
    closePromise?.succeed()
    guard let pipeline else { return }
    loop.execute { [self] in removeHandlers(pipeline: pipeline) }
  }

  /// The number of tasks submitted to its loop so far.
  var taskCount: Int { loop.taskCount }

  var eventLoop: any EventLoop { loop }
  var allocator: ByteBufferAllocator { ByteBufferAllocator() }
  var localAddress: NIOCore.SocketAddress? { local.flatMap { NIOCore.SocketAddress($0) } }
  var remoteAddress: NIOCore.SocketAddress? { remote.flatMap { NIOCore.SocketAddress($0) } }
  var parent: (any Channel)? { nil }
  var isWritable: Bool { false }
  var isActive: Bool { state.withLock { !$0.hasEnded } }
  var _channelCore: any ChannelCore { self }

  var pipeline: ChannelPipeline {
    state.withLock { state in
      if let pipeline = state.pipeline { return pipeline }
      let pipeline = ChannelPipeline(channel: self)
      // After the end it is not stored, which would create a cycle, and belongs to the caller.
      if !state.hasEnded { state.pipeline = pipeline }
      return pipeline
    }
  }

  var closeFuture: EventLoopFuture<Void> {
    state.withLock { state in
      if state.hasEnded { return loop.makeSucceededVoidFuture() }
      let promise = state.closePromise ?? loop.makePromise()
      state.closePromise = promise
      return promise.futureResult
    }
  }

  func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
    loop.makeFailedFuture(EngineOwnsConnection(what: "setting \(option)"))
  }

  func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
    loop.makeFailedFuture(EngineOwnsConnection(what: "reading \(option)"))
  }
}

extension EngineChannel: ChannelCore {
  func localAddress0() throws -> NIOCore.SocketAddress { try known(localAddress) }
  func remoteAddress0() throws -> NIOCore.SocketAddress { try known(remoteAddress) }

  private func known(_ address: NIOCore.SocketAddress?) throws -> NIOCore.SocketAddress {
    guard let address else { throw EngineOwnsConnection(what: "reading an unknown address") }
    return address
  }

  func register0(promise: EventLoopPromise<Void>?) { promise?.fail(EngineOwnsConnection(what: "registering")) }
  func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) { register0(promise: promise) }
  func bind0(to: NIOCore.SocketAddress, promise: EventLoopPromise<Void>?) {
    promise?.fail(EngineOwnsConnection(what: "binding"))
  }
  func connect0(to: NIOCore.SocketAddress, promise: EventLoopPromise<Void>?) {
    promise?.fail(EngineOwnsConnection(what: "connecting"))
  }
  func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) { promise?.fail(EngineOwnsConnection(what: "writing")) }
  func flush0() {}
  func read0() {}
  func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    promise?.fail(EngineOwnsConnection(what: "closing"))
  }
  func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
    promise?.fail(EngineOwnsConnection(what: "an event"))
  }
  func channelRead0(_ data: NIOAny) {}
  func errorCaught0(error: any Error) {}
}

extension NIOCore.SocketAddress {
  /// Converts an address to NIO's type; `nil` for a Unix-domain socket without a name in the file system.
  fileprivate init?(_ address: Runtime.SocketAddress) {
    do {
      switch address {
      case .ipv4(let host, let port): try self.init(ipAddress: host.description, port: Int(port))
      case .ipv6(let host, let port, _): try self.init(ipAddress: host.description, port: Int(port))
      case .unix(let path):
        guard !path.isEmpty, path.utf8.first != 0 else { return nil }
        try self.init(unixDomainSocketPath: path)
      }
    } catch {
      return nil
    }
  }
}
