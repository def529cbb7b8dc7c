import Glibc
import Runtime

extension RuntimeConformance {
  /// Listening sockets opened by another process.
  static let inheritedSockets: [Case] = [
    Case(
      "Listening on an inherited socket keeps its address and its waiting connections", .listeners,
      needs: .realDescriptors
    ) {
      runtime in
      let path = temporaryPath()
      defer { unlink(path) }
      for address in [.loopback(port: 0), .unix(path: path)] as [SocketAddress] {
        let socket = try listenByHand(on: address)
        guard let there = socket.address else { throw IOError(.listen, .system(EINVAL)) }
        let early = try await runtime.connect(to: there)
        let listener = try await runtime.listen(onInherited: socket)
        try expect("the listener's address", listener.localAddress, is: there)
        let late = try await runtime.connect(to: there)
        let streams = [
          try await expectEnd(of: "accepting a connection that came before") { try await listener.accept() },
          try await expectEnd(of: "accepting one that came after") { try await listener.accept() },
        ]
        try await expectPairs([early, late], streams)
        // The descriptor was in blocking mode. A wait on it must neither block a worker nor ignore cancellation.
        let waiting = runtime.spawn { _ = try await listener.accept() }
        waiting.cancel()
        try await expect("an accept that is cancelled", toThrow: IOError(.accept, .cancelled)) {
          try await waiting.value
        }
        await listener.closeAndWait()
        for stream in streams { stream.close() }
        for stream in [early, late] { stream.close() }
      }
    },

    Case("Closing the listener of an inherited socket keeps the socket's name", .listeners, needs: .realDescriptors) {
      runtime in
      let path = temporaryPath()
      defer { unlink(path) }
      let listener = try await runtime.listen(onInherited: try listenByHand(on: .unix(path: path)))
      let identity = FileIdentity(path)
      await listener.closeAndWait()
      try expect("the name of the socket afterwards", FileIdentity(path), is: identity)
    },

    Case("An inherited descriptor that is not a listening socket is rejected", .listeners, needs: .realDescriptors) {
      runtime in
      let idle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      try expect("making a socket by hand", toBe: "possible", idle >= 0, saw: "errno \(errno)")
      try await expect("listening on a socket that does not listen", toBeRefused: .listen, with: [EINVAL]) {
        try await runtime.listen(onInherited: InheritedSocket(descriptor: idle))
      }
      let file = open("/dev/null", O_RDONLY)
      try expect("opening a file by hand", toBe: "possible", file >= 0, saw: "errno \(errno)")
      try await expect("listening on a file", toBeRefused: .listen, with: [ENOTSOCK]) {
        try await runtime.listen(onInherited: InheritedSocket(descriptor: file))
      }
    },
  ]
}

/// Opens a listening socket on `address` in blocking mode, as another process might.
private func listenByHand(on address: SocketAddress) throws -> InheritedSocket {
  let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
  let isBound = descriptor >= 0 && address.withSystemAddress { bind(descriptor, $0, $1) } == 0
  try expect(
    "listening on \(address) by hand", toBe: "possible", isBound && listen(descriptor, 16) == 0, saw: "errno \(errno)")
  return InheritedSocket(descriptor: descriptor)
}
