import Glibc
package import Runtime

/// The descriptor of a TCP stream.
package func systemDescriptor(of stream: any ByteStream) -> Int32? {
  guard let local = stream.localAddress, let peer = stream.peerAddress else { return nil }
  return (Int32(0)..<4096).first { number in
    SocketAddress(writtenBy: { getsockname(number, $0, $1) }) == local
      && SocketAddress(writtenBy: { getpeername(number, $0, $1) }) == peer
  }
}
