import Glibc
import Runtime

extension RuntimeConformance {
  static let faults: [Case] = [
    Case("A peer that closes with bytes unread leaves nobody waiting", .faults) { runtime in
      let (near, far) = try await runtime.connectedPair()
      let writer = runtime.spawn { while true { try await near.write([UInt8](repeating: 0, count: 1 << 16)) } }
      let reader = runtime.spawn { _ = try await near.read() }
      _ = try await far.read(upTo: 1)
      far.close()
      try await expect("the writer", toBeRefused: .write, with: [EPIPE, ECONNRESET]) { try await writer.value }
      // The end, or a reset, as the network has it; but no more waiting.
      try await expectEnd(of: "the reader") { _ = await reader.result }
    },

    Case("A stream that is to reset when it closes is found reset", .faults) { runtime in
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

    Case("When half of the peers vanish the others' conversations go on", .faults) { runtime in
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

    Case("A peer's reset is an error to whoever reads, and not the end", .faults, needs: .realDescriptors) { runtime in
      for round in 0..<20 {
        let (stream, peer) = try await accept(on: runtime)
        let reader = runtime.spawn { try await stream.read() }
        for _ in 0..<round % 4 { await Task.yield() }
        peer.reset()
        try await expect("the read", toBeRefused: .read, with: [ECONNRESET]) { try await reader.value }
        stream.close()
      }
    },

    Case("A peer's reset in the middle of a write is an error to whoever writes", .faults, needs: .realDescriptors) {
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

    Case("A reset wakes whoever waits until the stream can be read", .faults, needs: .realDescriptors) { runtime in
      for round in 0..<20 {
        let (stream, peer) = try await accept(on: runtime)
        // It may say so itself, or leave it to the read.
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

    Case("Peers that have gone before they are accepted do not stop a listener", .faults, needs: .realDescriptors) {
      runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      for round in 0..<20 {
        let peer = try SystemPeer(connectedTo: listener.localAddress)
        if round % 2 == 0 { peer.reset() } else { peer.close() }
      }
      let last = try SystemPeer(connectedTo: listener.localAddress)
      last.write("x")
      // Those that have gone may be accepted, and then be at their end; or not at all.
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

  /// A stream of the runtime's, and at its other end a socket that is not.
  private static func accept(on runtime: any AsyncRuntime) async throws -> (any ByteStream, SystemPeer) {
    let listener = try await runtime.listen(on: .loopback(port: 0))
    defer { listener.close() }
    let peer = try SystemPeer(connectedTo: listener.localAddress)
    return (try await expectEnd(of: "an accept") { try await listener.accept() }, peer)
  }
}

/// A connected socket that no runtime knows.
private struct SystemPeer {
  private let descriptor: Int32

  init(connectedTo address: SocketAddress) throws(IOError) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw IOError(.socket, .system(errno)) }
    // It does not wait: the kernel connects to whoever listens, accepted or not.
    guard address.withSystemAddress({ connect(descriptor, $0, $1) }) == 0 else {
      let code = errno
      Glibc.close(descriptor)
      throw IOError(.connect, .system(code))
    }
  }

  func write(_ text: String) {
    _ = Array(text.utf8).withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  /// Closes it in good order.
  func close() { Glibc.close(descriptor) }

  /// Breaks the connection off, as a machine does that has crashed and come up again.
  func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    Glibc.close(descriptor)
  }
}
