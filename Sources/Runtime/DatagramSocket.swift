/// A datagram socket: UDP, or a Unix-domain socket of type `SOCK_DGRAM`.
///
/// A datagram is sent whole or not at all, and is received with its boundaries. It may be empty. UDP may lose,
/// duplicate or reorder datagrams. A Unix-domain socket on Linux does none of these: a send waits while the receiver's
/// queue is full.
///
/// ```swift
/// let socket = try await runtime.bindDatagrams(on: .loopback(port: 0))
/// while true {
///   let datagram = try await socket.receive()
///   if let sender = datagram.sender { try await socket.send(datagram.bytes, to: sender) }
/// }
/// ```
///
/// One task may receive while another sends. Two concurrent receives, or two concurrent sends, are a programming error:
/// if the second would have to wait too, it fails with ``IOError/Reason/busy``.
///
/// An operation that can finish at once does not suspend (except to let other tasks run after many operations in a
/// row), and it succeeds even in a cancelled task. An operation that has to wait ends promptly with
/// ``IOError/Reason/cancelled`` when its task is cancelled, and with ``IOError/Reason/closed`` when the socket is
/// closed. A cancelled receive has taken no datagram, and a cancelled send has sent none.
///
/// An error does not end the socket: it works until it is closed. If no socket is bound to the address that a datagram
/// was sent to, the system may report that to a socket connected to that address. A later operation then fails once
/// with `ECONNREFUSED`, and a send that fails in this way has sent nothing.
public protocol DatagramSocket: Sendable {
  /// The address that the socket is bound to, with the port or the name that the system has chosen.
  ///
  /// If the socket is bound to every address of its machine, connecting it changes this to the address that it sends
  /// from.
  var localAddress: SocketAddress { get }

  /// The address that the socket is connected to; `nil` if it is not connected or is closed.
  var peerAddress: SocketAddress? { get }

  /// Connects the socket to `address`: ``send(_:)`` sends there, and only datagrams from there are received.
  ///
  /// It sends nothing and does not wait. Datagrams that other senders sent before may still be received. A further call
  /// changes the peer.
  func connect(to address: SocketAddress) throws(IOError)

  /// Waits for a datagram and appends it to `buffer`. Bytes that do not fit are lost.
  func receive(into buffer: inout OutputRawSpan) async throws(IOError) -> DatagramReceipt

  /// Sends `bytes` to `address` as one datagram.
  ///
  /// - Throws: `EMSGSIZE` if `bytes` is too long for one datagram; `ENOENT` or `ECONNREFUSED` if no socket is bound to
  ///   a Unix-domain `address`.
  func send(_ bytes: RawSpan, to address: SocketAddress) async throws(IOError)

  /// Sends `bytes` to the peer as one datagram.
  ///
  /// - Throws: `EMSGSIZE` if `bytes` is too long for one datagram; `EDESTADDRREQ` or `ENOTCONN` if there is no peer.
  func send(_ bytes: RawSpan) async throws(IOError)

  /// Closes the socket at once. Pending operations fail with ``IOError/Reason/closed``. Further calls have no effect.
  ///
  /// The address may become free slightly later. ``closeAndWait()`` returns once it is free.
  func close()

  /// Closes the socket and returns once its address is free. The default calls ``close()``, which is right for a socket
  /// that closes at once.
  func closeAndWait() async
}

extension DatagramSocket {
  public func closeAndWait() async { close() }
}
