import Glibc
public import Runtime

/// A connection.
public struct PollStream: ByteStream {
  private let socket: Socket

  /// Wraps a connected socket.
  init(_ socket: Socket) { self.socket = socket }

  /// Connects to `address`.
  init(to address: SocketAddress, _ options: ConnectOptions, on loop: RunLoop) async throws(IOError) {
    socket = try Socket(address.family, on: loop, for: .connect)
    while true {
      do throws(IOError) {
        let answer = try socket.call(.connect) { descriptor in
          Int(address.withSystemAddress { connect(descriptor, $0, $1) })
        }
        if answer != nil { break }
        // The backlog of a Unix-domain listener is full, and no event tells when it has room.
        try await socket.pause(for: .milliseconds(2), .connect)
      } catch {
        switch error.errno {
        case EINPROGRESS: continue  // Calling again tells whether it has connected.
        case EALREADY: try await socket.wait(for: Event.writable, .connect)
        default: throw error
        }
      }
    }
    socket.apply(options.tcp)
  }

  public func waitUntilReadable() async throws(IOError) {
    // Tries before it waits, since what can be done at once has to be done in a cancelled task too.
    let isReadable = try socket.call(.read) { descriptor in
      var asked = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      return Int(poll(&asked, 1, 0))
    }
    if isReadable == 0 { try await socket.wait(for: Event.readable, .read) }
  }

  public func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    guard buffer.freeCapacity > 0 else { return 0 }
    await socket.giveWay()
    while true {
      let count = try buffer.withUnsafeMutableBytes { bytes, initialized throws(IOError) in
        let free = UnsafeMutableRawBufferPointer(rebasing: bytes[initialized...])
        let count = try socket.call(.read) { recv($0, free.baseAddress, free.count, 0) }
        initialized += count ?? 0
        return count
      }
      if let count { return count }
      try await socket.wait(for: Event.readable, .read)
    }
  }

  public func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int {
    if bytes.isEmpty { return 0 }
    await socket.giveWay()
    while true {
      let count = try bytes.withUnsafeBytes { bytes throws(IOError) in
        // MSG_NOSIGNAL: without it, writing to a closed connection ends the process (SIGPIPE).
        try socket.call(.write) { send($0, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
      }
      if let count { return count }
      try await socket.wait(for: Event.writable, .write)
    }
  }

  public func shutdownWrite() throws(IOError) {
    do throws(IOError) {
      _ = try socket.call(.shutdown) { Int(shutdown($0, Int32(SHUT_WR))) }
    } catch {
      // A peer that has closed the connection need not be told.
      if error.errno != ENOTCONN { throw error }
    }
  }

  public func close() { socket.close() }

  public var peerAddress: SocketAddress? { socket.peerAddress }
  public var localAddress: SocketAddress? { socket.localAddress }
}
