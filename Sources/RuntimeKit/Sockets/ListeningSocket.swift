import Glibc
public import Runtime

/// A listening socket without a ``Poller``, for a backend whose listeners belong to another event loop.
///
/// It is created like the socket of a ``SocketListener``, with the same options and the same handling of Unix-domain
/// names. It does not close itself: its owner calls ``removeName()`` and closes the descriptor.
public struct ListeningSocket: Sendable {
  /// The descriptor, which is non-blocking and close-on-exec.
  public let descriptor: Int32
  /// The address that the socket is bound to, with the port that the system chose if port 0 was requested.
  public let localAddress: SocketAddress
  let name: SocketName?

  /// Creates a socket that listens on `address`.
  ///
  /// - Throws: the system's error if that fails.
  public init(on address: SocketAddress, options: ListenOptions) throws(IOError) {
    (descriptor, name) = try listeningDescriptor(address, options)
    localAddress = SocketAddress(writtenBy: { [descriptor] in getsockname(descriptor, $0, $1) }) ?? address
  }

  /// Takes ownership of a socket that another process has opened, even if it fails. Its name in the file system
  /// remains, because it belongs to that process.
  ///
  /// - Throws: the error of `InheritedSocket.takeDescriptor`; `EAFNOSUPPORT` if `SocketAddress` cannot represent its
  ///   address.
  public init(inherited socket: InheritedSocket) throws(IOError) {
    descriptor = try socket.takeDescriptor()
    name = nil
    guard let address = socket.address else {
      close(descriptor)
      throw IOError(.listen, .system(EAFNOSUPPORT))
    }
    localAddress = address
  }

  /// Removes a Unix-domain socket's name from the file system, unless another file has taken the name.
  ///
  /// Call it while the descriptor is open: an open socket keeps the inode number of its file from being reused.
  public func removeName() { name?.remove() }
}
