import Glibc
public import Runtime

/// A socket for datagrams.
public struct PollDatagrams: DatagramSocket {
  private let socket: Socket
  private let boundAddress: SocketAddress

  init(_ address: SocketAddress, _ options: DatagramOptions, on loop: RunLoop) throws(IOError) {
    socket = try Socket(address.family, datagramSocket, on: loop, for: .bind)
    if let size = options.receiveBufferSize { socket.set(SO_RCVBUF, SOL_SOCKET, to: Int32(clamping: size)) }
    if let size = options.sendBufferSize { socket.set(SO_SNDBUF, SOL_SOCKET, to: Int32(clamping: size)) }
    if options.broadcast { socket.turnOn(SO_BROADCAST, SOL_SOCKET) }
    if options.reusePort { socket.turnOn(SO_REUSEPORT, SOL_SOCKET) }
    try socket.bind(to: address, replacesAbandoned: options.reuseAddress)
    boundAddress = socket.localAddress ?? address
  }

  public func connect(to address: SocketAddress) throws(IOError) {
    _ = try socket.call(.connect) { number in Int(address.withSystemAddress { Glibc.connect(number, $0, $1) }) }
  }

  public func receive(into buffer: inout OutputRawSpan) async throws(IOError) -> DatagramReceipt {
    await socket.giveWay()
    let room = buffer.freeCapacity
    while true {
      var sender: SocketAddress?
      let length = try buffer.withUnsafeMutableBytes { bytes, initialized throws(IOError) in
        let free = UnsafeMutableRawBufferPointer(rebasing: bytes[initialized...])
        let length = try socket.call(.receive) { number in
          var length = 0
          sender = SocketAddress(writtenBy: {
            // MSG_TRUNC: returns the datagram's full length, which may exceed the room.
            length = recvfrom(number, free.baseAddress, free.count, Int32(MSG_TRUNC), $0, $1)
            return length < 0 ? -1 : 0
          })
          return length
        }
        initialized += min(length ?? 0, room)
        return length
      }
      if let length {
        return DatagramReceipt(byteCount: min(length, room), sender: sender, isTruncated: length > room)
      }
      try await socket.wait(for: Event.readable, .receive)
    }
  }

  public func send(_ bytes: RawSpan, to address: SocketAddress) async throws(IOError) {
    try await send(bytes, toGiven: address)
  }

  public func send(_ bytes: RawSpan) async throws(IOError) { try await send(bytes, toGiven: nil) }

  /// Sends to `address`, or to the peer if that is `nil`.
  private func send(_ bytes: RawSpan, toGiven address: SocketAddress?) async throws(IOError) {
    await socket.giveWay()
    while true {
      let count = try bytes.withUnsafeBytes { bytes throws(IOError) in
        try socket.call(.send) { number in
          guard let address else { return Glibc.send(number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
          return address.withSystemAddress {
            sendto(number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL), $0, $1)
          }
        }
      }
      if count != nil { return }
      // poll(2) waits for room at a Unix-domain receiver only if the socket is connected to it.
      if case .unix = address {
        try await socket.pause(for: .milliseconds(1), .send)
      } else {
        try await socket.wait(for: Event.writable, .send)
      }
    }
  }

  public func close() { socket.close() }

  public var localAddress: SocketAddress { socket.localAddress ?? boundAddress }
  public var peerAddress: SocketAddress? { socket.peerAddress }
}
