import NIOCore
import Runtime
import Synchronization

/// What NIO's channel was asked to do that it cannot: the connection is Gearbox's, and there is no channel.
public struct EngineOwnsConnection: Error, Sendable, CustomStringConvertible {
  let what: String

  /// What was refused, for a person to read.
  public var description: String {
    "\(what) was refused: the connection belongs to Gearbox, and this channel only stands in for one of NIO's"
  }
}

/// Stands in for a channel of SwiftNIO where one is asked for: it knows addresses, and refuses everything else.
///
/// ``end()`` has to be called, as a channel and its pipeline refer to each other.
final class EngineChannel: Channel {
  private struct State {
    var pipeline: ChannelPipeline?
    var closePromise: EventLoopPromise<Void>?
    var hasEnded = false
  }

  // Most requests ask for none of these: they are made when they are asked for.
  private let local: Runtime.SocketAddress?
  private let remote: Runtime.SocketAddress?
  private let loop = InlineEventLoop()
  private let state = Mutex(State())

  init(localAddress: Runtime.SocketAddress? = nil, remoteAddress: Runtime.SocketAddress? = nil) {
    local = localAddress
    remote = remoteAddress
  }

  /// Ends what has been made of the channel: its future of being closed succeeds, and streams of its pipeline end.
  func end() {
    let (pipeline, closePromise) = state.withLock { state in
      state.hasEnded = true
      defer { (state.pipeline, state.closePromise) = (nil, nil) }
      return (state.pipeline, state.closePromise)
    }
    closePromise?.succeed()
    guard let pipeline else { return }
    loop.execute { [self] in removeHandlers(pipeline: pipeline) }
  }

  /// How many tasks its loop has been given so far.
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
      // Behind the end it is the caller's alone, and a cycle.
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
    loop.makeFailedFuture(EngineOwnsConnection(what: "asking for \(option)"))
  }
}

extension EngineChannel: ChannelCore {
  func localAddress0() throws -> NIOCore.SocketAddress { try known(localAddress) }
  func remoteAddress0() throws -> NIOCore.SocketAddress { try known(remoteAddress) }

  private func known(_ address: NIOCore.SocketAddress?) throws -> NIOCore.SocketAddress {
    guard let address else { throw EngineOwnsConnection(what: "asking for an address that is not known") }
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
  /// The same address, as NIO has it; `nil` for a Unix-domain socket without a name in the file system.
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
