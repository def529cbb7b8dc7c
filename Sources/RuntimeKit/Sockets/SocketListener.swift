import Glibc
public import Runtime
import Synchronization

/// A listening TCP or Unix-domain socket, used by all three backends.
public final class SocketListener: StreamListener {
  /// The address that the listener is bound to, with the port that the system chose if port 0 was requested.
  public let localAddress: SocketAddress
  private let socket: Socket
  private let network: SocketNetwork
  private let options: ListenOptions
  /// Whether other processes may listen on the same socket.
  private let isInherited: Bool

  init(
    _ socket: Socket, address: SocketAddress, network: SocketNetwork, options: ListenOptions, isInherited: Bool = false
  ) {
    self.socket = socket
    self.isInherited = isInherited
    self.localAddress = address
    self.network = network
    self.options = options
  }

  deinit {
    close()
  }

  /// The number of descriptors reserved for uses other than connections.
  private static let reserve = 2
  /// The distance from the limit within which the reserve is checked.
  private static let margin = 64
  /// The descriptor number of the last connection.
  private let lastAccepted = Atomic<Int32>(.max)

  /// The delay before the next attempt if descriptors have run out.
  private static let retryDelay = Duration.milliseconds(20)

  public func accept() async throws(IOError) -> SocketStream {
    if socket.turn.isOver { await socket.turn.yieldTurn() }
    socket.turn.spend(Turn.systemCall)
    while true {
      socket.reading.clear()
      let (descriptor, code) = try socket.call(.accept) { Int(acceptUnlessScarce($0)) }
      if descriptor >= 0 {
        lastAccepted.store(Int32(descriptor), ordering: .relaxed)  // Relaxed: it is a hint.
        socket.reading.signal()  // More connections may be queued without an edge of their own.
        return try network.adopt(Int32(descriptor), options.tcp)
      }
      switch code {
      case EAGAIN:
        try await socket.wait(for: .read, .accept)
      case ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM:
        socket.reading.signal()  // That connection failed. accept(2) says to retry.
      case EMFILE, ENFILE, ENOBUFS, ENOMEM:
        // The connection stays in the backlog, and no edge signals when it can be accepted.
        socket.reading.signal()
        options.onShortage?(IOError(.accept, .system(code)))
        try await network.pause(Self.retryDelay, .accept)
      case EINVAL:
        throw IOError(.accept, .closed)  // It no longer listens, because it is being closed.
      default:
        socket.reading.signal()
        throw IOError(.accept, .system(code))
      }
    }
  }

  /// Accepts a connection, or fails with `EMFILE` if that would leave the process fewer than two descriptors.
  ///
  /// Dispatch opens a file every second to inspect its threads, and ends the process if no descriptor is left for that.
  private func acceptUnlessScarce(_ listener: Int32) -> Int32 {
    // The system assigns the lowest free number: as long as numbers are low, many descriptors are free.
    if Int(lastAccepted.load(ordering: .relaxed)) >= availableDescriptors() - Self.margin {
      let spares = (0...Self.reserve).map { _ in fcntl(listener, F_DUPFD_CLOEXEC, 0) }
      for spare in spares where spare >= 0 { Glibc.close(spare) }
      if spares.contains(where: { $0 < 0 }) {
        errno = EMFILE
        return -1
      }
    }
    return acceptDescriptor(listener)
  }

  /// Stops listening, and removes a Unix-domain socket's name from the file system unless another file has taken the
  /// name.
  public func close() {
    socket.close(stopsListening: !isInherited)
  }
}
