import Glibc
import Runtime

extension RuntimeConformance {
  static let faults: [Case] = [
    Case("A peer that closes with unread bytes leaves no operation waiting", .faults) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let writer = runtime.spawn { while true { try await near.write([UInt8](repeating: 0, count: 1 << 16)) } }
      let reader = runtime.spawn { _ = try await near.read() }
      _ = try await far.read(upTo: 1)
      far.close()
      try await expect("the writer", toBeRefused: .write, with: [EPIPE, ECONNRESET]) { try await writer.value }
      // The end of the stream or a reset, depending on the network, but no further waiting.
      try await expectEnd(of: "the reader") { _ = await reader.result }
    },

    Case("A stream with resetsOnClose resets the connection when it closes", .faults) { runtime in
      var (connecting, listening) = (ConnectOptions(), ListenOptions())
      (connecting.tcp.resetsOnClose, listening.tcp.resetsOnClose) = (true, true)
      let listener = try await runtime.listen(on: .loopback(port: 0), options: listening)
      defer { listener.close() }
      for isServer in [false, true] {
        let near: any ByteStream = try await runtime.connect(to: listener.localAddress, options: connecting)
        let far: any ByteStream = try await expectEnd(of: "an accept") { try await listener.accept() }
        (isServer ? far : near).close()
        try await expect("a read of the peer", toThrow: IOError(.read, .system(ECONNRESET))) {
          try await (isServer ? near : far).read()
        }
      }
    },

    Case("When half of the peers vanish, the others' conversations continue", .faults) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      let server = runtime.spawn {
        for _ in 0..<40 {
          let stream = try await listener.accept() as any ByteStream
          runtime.execute {
            while let bytes = try? await stream.read(), !bytes.isEmpty { try? await stream.write(bytes) }
            stream.close()
          }
        }
      }
      let clients = (0..<40).map { number in
        runtime.spawn {
          let stream = try await runtime.connect(to: listener.localAddress) as any ByteStream
          for round in 0..<20 {
            if number % 2 == 0, round == number / 2 {
              try await stream.write([UInt8](repeating: 0, count: 1000))
              return stream.close()
            }
            let message = [UInt8(number), UInt8(round)]
            try await stream.write(message)
            guard try await stream.read(exactly: 2) == message else { throw Failure() }
          }
          stream.close()
        }
      }
      for client in clients { try await expectEnd(of: "a client") { try await client.value } }
      try await expectEnd(of: "the server") { try await server.value }
    },

    Case("A peer's reset is an error of a read, not the end of the stream", .faults, needs: .realDescriptors) {
      runtime in
      for round in 0..<20 {
        let (stream, peer) = try await accept(on: runtime)
        let reader = runtime.spawn { try await stream.read() }
        for _ in 0..<round % 4 { await Task.yield() }
        peer.reset()
        try await expect("the read", toBeRefused: .read, with: [ECONNRESET]) { try await reader.value }
        stream.close()
      }
    },

    Case("A peer's reset during a write is an error of the write", .faults, needs: .realDescriptors) {
      runtime in
      for round in 0..<20 {
        let (stream, peer) = try await accept(on: runtime)
        let writer = runtime.spawn { while true { try await stream.write([UInt8](repeating: 0, count: 1 << 16)) } }
        for _ in 0..<round { await Task.yield() }
        peer.reset()
        try await expect("the write", toBeRefused: .write, with: [EPIPE, ECONNRESET]) { try await writer.value }
        stream.close()
      }
    },

    Case("A reset ends a wait for readability", .faults, needs: .realDescriptors) { runtime in
      for round in 0..<20 {
        let (stream, peer) = try await accept(on: runtime)
        // The wait may report the reset itself, or leave it to the read.
        let waiter = runtime.spawn {
          if round % 2 == 0 {
            try await stream.waitUntilReadable()
          } else {
            try await stream.waitUntilReadableOrClosed()
          }
        }
        for _ in 0..<round % 4 { await Task.yield() }
        peer.reset()
        try await expect("the wait, or the read after it", toBeRefused: .read, with: [ECONNRESET]) {
          try await waiter.value
          _ = try await stream.read()
        }
        stream.close()
      }
    },

    Case("Peers that disconnect before they are accepted do not stop a listener", .faults, needs: .realDescriptors) {
      runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      for round in 0..<20 {
        let peer = try SystemPeer(connectedTo: listener.localAddress)
        if round % 2 == 0 { peer.reset() } else { peer.close() }
      }
      let last = try SystemPeer(connectedTo: listener.localAddress)
      last.write("x")
      // Disconnected peers may be accepted as streams at their end, or not at all.
      try await expect("what the last peer has written", toGive: Array("x".utf8)) {
        while true {
          let stream = try await listener.accept()
          let bytes = (try? await stream.read()) ?? []
          stream.close()
          if !bytes.isEmpty { return bytes }
        }
      }
      last.close()
    },
  ]

  /// Returns a stream of the runtime and the system socket at its other end.
  private static func accept(on runtime: any AsyncRuntime) async throws -> (any ByteStream, SystemPeer) {
    let listener = try await runtime.listen(on: .loopback(port: 0))
    defer { listener.close() }
    let peer = try SystemPeer(connectedTo: listener.localAddress)
    return (try await expectEnd(of: "an accept") { try await listener.accept() }, peer)
  }
}

/// A connected socket outside any runtime.
private struct SystemPeer {
  private let descriptor: Int32

  init(connectedTo address: SocketAddress) throws(IOError) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw IOError(.socket, .system(errno)) }
    // This does not wait: the kernel completes the connection before it is accepted.
    guard address.withSystemAddress({ connect(descriptor, $0, $1) }) == 0 else {
      let code = errno
      Glibc.close(descriptor)
      throw IOError(.connect, .system(code))
    }
  }

  func write(_ text: String) {
    _ = Array(text.utf8).withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  /// Closes the connection in an orderly way.
  func close() { Glibc.close(descriptor) }

  /// Resets the connection, as a machine does that has crashed and restarted.
  func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    Glibc.close(descriptor)
  }
}
