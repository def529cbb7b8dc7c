import Glibc
public import Runtime
import Synchronization

/// A listening TCP or Unix-domain socket: the listener of all three backends.
public final class SocketListener: StreamListener {
  /// The address it listens on, with the port that was chosen where port 0 was asked for.
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

  /// How many descriptors are left to others than connections.
  private static let reserve = 2
  /// How near to the limit a new descriptor's number has to be for the reserve to be looked at.
  private static let margin = 64
  /// The descriptor of the last connection.
  private let lastAccepted = Atomic<Int32>(.max)

  /// How long to wait for somebody to give a descriptor back.
  private static let pause = Duration.milliseconds(20)

  public func accept() async throws(IOError) -> SocketStream {
    if socket.turn.isOver { await socket.turn.give() }
    socket.turn.spend(Turn.systemCall)
    while true {
      socket.reading.clear()
      let (descriptor, code) = try socket.call(.accept) { Int(acceptUnlessScarce($0)) }
      if descriptor >= 0 {
        lastAccepted.store(Int32(descriptor), ordering: .relaxed)  // A hint.
        socket.reading.signal()  // Another may be waiting behind this one, and brings no edge of its own.
        return try network.adopt(Int32(descriptor), options.tcp)
      }
      switch code {
      case EAGAIN:
        try await socket.wait(for: .read, .accept)
      case ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM:
        socket.reading.signal()  // It befell that connection alone: accept(2) says to go on to the next.
      case EMFILE, ENFILE, ENOBUFS, ENOMEM:
        // The connection stays in the backlog, and no edge will tell when there is room for it.
        socket.reading.signal()
        options.onShortage?(IOError(.accept, .system(code)))
        try await network.pause(Self.pause, .accept)
      case EINVAL:
        throw IOError(.accept, .closed)  // It does not listen any more: it is being closed.
      default:
        socket.reading.signal()
        throw IOError(.accept, .system(code))
      }
    }
  }

  /// Takes a connection, or fails with `EMFILE` if that would leave the process less than two descriptors.
  ///
  /// Dispatch looks at its threads by a file each second, and ends the process if it finds no descriptor for that.
  private func acceptUnlessScarce(_ listener: Int32) -> Int32 {
    // New descriptors have the lowest free numbers: while those are low there are many.
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

  /// Stops listening, and takes a Unix-domain socket's name out of the file system, unless another file has it by now.
  public func close() {
    socket.close(stopsListening: !isInherited)
  }
}
