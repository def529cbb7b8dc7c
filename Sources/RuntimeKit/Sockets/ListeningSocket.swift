import Glibc
public import Runtime

/// A socket that listens and that no ``Poller`` watches: for a backend whose listeners are those of another event loop.
///
/// It is made as the socket of a ``SocketListener`` is, with the same options, and with the same care for the name of a
/// Unix-domain socket. It is not closed by itself: its owner calls ``removeName()`` and closes the descriptor.
public struct ListeningSocket: Sendable {
  /// The descriptor: non-blocking, and closed on exec.
  public let descriptor: Int32
  /// The address it listens on, with the port that was chosen where port 0 was asked for.
  public let localAddress: SocketAddress
  let name: SocketName?

  /// A new socket that listens on `address`.
  ///
  /// - Throws: what the system says if the address cannot be listened on.
  public init(on address: SocketAddress, options: ListenOptions) throws(IOError) {
    (descriptor, name) = try listeningDescriptor(address, options)
    localAddress = SocketAddress(writtenBy: { [descriptor] in getsockname(descriptor, $0, $1) }) ?? address
  }

  /// The socket that another process has opened. It is taken over, also where this fails. Its name in the file system is
  /// that process's to remove.
  ///
  /// - Throws: what `InheritedSocket.takeDescriptor` throws; `EAFNOSUPPORT` if its address is none of `SocketAddress`.
  public init(inherited socket: InheritedSocket) throws(IOError) {
    descriptor = try socket.takeDescriptor()
    name = nil
    guard let address = socket.address else {
      close(descriptor)
      throw IOError(.listen, .system(EAFNOSUPPORT))
    }
    localAddress = address
  }

  /// Takes a Unix-domain socket's name out of the file system, unless another file has it by now.
  ///
  /// To be called while the descriptor is open: an open socket keeps its file's number from being another's.
  public func removeName() { name?.remove() }
}
