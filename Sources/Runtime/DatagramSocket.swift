/// A socket that sends and receives datagrams: a UDP socket, or a Unix-domain socket of that kind.
///
/// A datagram is sent whole or not at all, and is received with its bounds; one of no bytes is a datagram too. UDP may lose
/// datagrams, deliver them twice and in another order. A Unix-domain socket does none of that on Linux: a send waits while
/// the receiver's queue is full.
///
/// ```swift
/// let socket = try await runtime.bindDatagrams(on: .loopback(port: 0))
/// while true {
///   let datagram = try await socket.receive()
///   if let sender = datagram.sender { try await socket.send(datagram.bytes, to: sender) }
/// }
/// ```
///
/// One task may receive while another sends. Two that receive at once, or two that send at once, is a mistake: where the
/// second would have to wait as well, it gets ``IOError/Reason/busy``.
///
/// An operation that can finish at once does not suspend (save to give others a turn after many in a row), and finishes
/// even in a task that has been cancelled. One that has to wait ends promptly with ``IOError/Reason/cancelled`` when its
/// task is cancelled, and with ``IOError/Reason/closed`` when the socket is closed. A cancelled receive has taken no
/// datagram, and a cancelled send has sent none.
///
/// An error says nothing of what comes later: the socket goes on until it is closed. If nothing is bound where a datagram
/// was sent to, the system may tell a socket that is connected to that address. A later operation fails with
/// `ECONNREFUSED` then, once, and a send that fails so has sent nothing.
public protocol DatagramSocket: Sendable {
  /// The address that it is bound to, with the port or the name that the system has chosen.
  ///
  /// Where it is bound to every address of its machine, connecting it makes this the one that it sends from.
  var localAddress: SocketAddress { get }

  /// The address that it is connected to; `nil` if it is not, and once it is closed.
  var peerAddress: SocketAddress? { get }

  /// Makes `address` the peer: where ``send(_:)`` sends to, and the only sender that is received from.
  ///
  /// Nothing is sent, and nothing waits. What others have sent before may still be received. Connecting again changes the
  /// peer.
  func connect(to address: SocketAddress) throws(IOError)

  /// Waits for a datagram, and appends it to `buffer`. What there is no room for is lost.
  func receive(into buffer: inout OutputRawSpan) async throws(IOError) -> DatagramReceipt

  /// Sends `bytes` to `address` as one datagram.
  ///
  /// - Throws: `EMSGSIZE` if they are too many for one; `ENOENT` or `ECONNREFUSED` if it is a Unix-domain address that
  ///   nothing is bound to.
  func send(_ bytes: RawSpan, to address: SocketAddress) async throws(IOError)

  /// Sends `bytes` to the peer as one datagram.
  ///
  /// - Throws: `EMSGSIZE` if they are too many for one, and `EDESTADDRREQ` or `ENOTCONN` if there is no peer.
  func send(_ bytes: RawSpan) async throws(IOError)

  /// Closes the socket, at once. What waits on it gets ``IOError/Reason/closed``; closing again does nothing.
  ///
  /// The address may be free only a moment later; ``closeAndWait()`` returns when it is.
  func close()

  /// Closes the socket, and returns when its address is free again. The default calls ``close()``, which is right for a
  /// socket that closes at once.
  func closeAndWait() async
}

extension DatagramSocket {
  public func closeAndWait() async { close() }
}
