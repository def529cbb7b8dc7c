import CRuntime
import Glibc
import Runtime

// System calls that create sockets. The descriptors are non-blocking and close-on-exec from the start.

/// Creates a stream socket of `family`.
func streamDescriptor(_ family: Int32) throws(IOError) -> Int32 {
  try newDescriptor(family, SOCK_STREAM)
}

/// Creates a datagram socket of `family`.
func datagramDescriptor(_ family: Int32) throws(IOError) -> Int32 {
  try newDescriptor(family, SOCK_DGRAM)
}

private func newDescriptor(_ family: Int32, _ kind: __socket_type) throws(IOError) -> Int32 {
  #if os(Linux)
    let descriptor = Glibc.socket(
      family, Int32(kind.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
  #else
    let descriptor = Glibc.socket(family, Int32(kind.rawValue), 0)
    makeNonBlocking(descriptor)
  #endif
  guard descriptor >= 0 else { throw IOError(.socket, .system(errno)) }
  return descriptor
}

/// Accepts a connection of `listener`. Returns -1 and sets `errno` if there is none.
func acceptDescriptor(_ listener: Int32) -> Int32 {
  #if os(Linux)
    return gearbox_accept(listener)
  #else
    let descriptor = accept(listener, nil, nil)
    if descriptor >= 0 { makeNonBlocking(descriptor) }
    return descriptor
  #endif
}

#if !os(Linux)
  private func makeNonBlocking(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }
#endif

/// Enables a boolean option. It has no effect on sockets without the option.
func enableOption(_ option: Int32, _ level: Int32, of descriptor: Int32) {
  setOption(option, level, to: Int32(1), of: descriptor)
}

/// Sets an option. It has no effect on sockets without the option.
func setOption<Value: BitwiseCopyable>(_ option: Int32, _ level: Int32, to value: Value, of descriptor: Int32) {
  withUnsafePointer(to: value) {
    _ = setsockopt(descriptor, level, option, $0, socklen_t(MemoryLayout<Value>.size))
  }
}

/// Creates a descriptor that listens on `address`. Returns the name of its file too, if the address is a path.
func listeningDescriptor(
  _ address: SocketAddress, _ options: ListenOptions
) throws(IOError) -> (descriptor: Int32, name: SocketName?) {
  try address.checkPath(.bind)
  let descriptor = try streamDescriptor(address.family)
  if address.filePath == nil {
    if options.reuseAddress { enableOption(SO_REUSEADDR, SOL_SOCKET, of: descriptor) }
    if options.reusePort { enableOption(SO_REUSEPORT, SOL_SOCKET, of: descriptor) }
  }
  return (descriptor, try bind(descriptor, to: address, options.reuseAddress, backlog: options.backlog))
}

/// Creates a datagram descriptor bound to `address`. Returns the name of its file too, if the address is a path.
func boundDescriptor(
  _ address: SocketAddress, _ options: DatagramOptions
) throws(IOError) -> (descriptor: Int32, name: SocketName?) {
  try address.checkPath(.bind)
  let descriptor = try datagramDescriptor(address.family)
  for (option, size) in [(SO_RCVBUF, options.receiveBufferSize), (SO_SNDBUF, options.sendBufferSize)] {
    if let size { setOption(option, SOL_SOCKET, to: Int32(clamping: size), of: descriptor) }
  }
  if options.broadcast { enableOption(SO_BROADCAST, SOL_SOCKET, of: descriptor) }
  if options.reusePort, address.filePath == nil { enableOption(SO_REUSEPORT, SOL_SOCKET, of: descriptor) }
  return (descriptor, try bind(descriptor, to: address, options.reuseAddress, backlog: nil))
}

/// Binds `descriptor` to `address`, and listens if there is a `backlog`. Closes the descriptor on failure.
///
/// - Parameter replacesAbandoned: whether to replace an abandoned socket file.
/// - Returns: the name of the socket's file, if the address is a path.
private func bind(
  _ descriptor: Int32, to address: SocketAddress, _ replacesAbandoned: Bool, backlog: Int32?
) throws(IOError) -> SocketName? {
  do throws(IOError) {
    if let path = address.filePath {
      return try SocketName(path, of: descriptor, reuseAddress: replacesAbandoned, backlog: backlog)
    }
    guard address.withSystemAddress({ Glibc.bind(descriptor, $0, $1) }) == 0 else {
      throw IOError(.bind, .system(errno))
    }
    if let backlog, listen(descriptor, backlog) != 0 { throw IOError(.listen, .system(errno)) }
    return nil
  } catch {
    close(descriptor)
    throw error
  }
}
