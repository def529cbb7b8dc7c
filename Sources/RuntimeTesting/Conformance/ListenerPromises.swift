import Glibc
import Runtime
import RuntimePrimitives

extension RuntimeConformance {
  static let listeners: [Case] = [
    Case("With port 0 the system chooses a port, which the listener reports", .listeners) { runtime in
      let (first, second) = (
        try await runtime.listen(on: .loopback(port: 0)), try await runtime.listen(on: .loopback(port: 0))
      )
      for listener in [first, second] {
        let port = listener.localAddress.port
        try expect("the port of \(listener.localAddress)", toBe: "one", (port ?? 0) != 0, saw: "none")
      }
      let same = first.localAddress.port == second.localAddress.port
      try expect("the ports of two such listeners", toBe: "two", !same, saw: "\(first.localAddress) twice")
    },

    Case("The address of a listener is free once closeAndWait has returned", .listeners) { runtime in
      var address = SocketAddress.loopback(port: 0)
      for _ in 0..<10 {
        let listener = try await expectEnd(of: "listening on an address that is free again") {
          [address] in try await runtime.listen(on: address)
        }
        address = listener.localAddress
        let (near, far) = (try await runtime.connect(to: address), try await listener.accept())
        await listener.closeAndWait()
        far.close()
        near.close()
      }
    },

    Case("Connections are accepted whether they arrive before or during an accept", .listeners) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      var near: [any ByteStream] = []
      var far: [any ByteStream] = []
      for _ in 0..<20 {
        near.append(
          try await expectEnd(of: "connecting before an accept") {
            try await runtime.connect(to: listener.localAddress)
          })
      }
      for _ in 0..<20 {
        far.append(try await expectEnd(of: "accepting what has connected") { try await listener.accept() })
      }
      for round in 0..<20 {
        let accepting = runtime.spawn { try await listener.accept() as any ByteStream }
        for _ in 0..<round % 4 { await Task.yield() }
        near.append(try await runtime.connect(to: listener.localAddress))
        far.append(try await expectEnd(of: "an accept that waits for a connection") { try await accepting.value })
      }
      try await expectPairs(near, far)
    },

    Case("Every connection is a stream of its own", .listeners) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      let server = runtime.spawn {
        for _ in 0..<50 {
          let stream = try await listener.accept() as any ByteStream
          runtime.execute {
            if let question = try? await stream.read(exactly: 8) { try? await stream.write(question + question) }
            stream.close()
          }
        }
      }
      let clients = (10..<60).map { number in
        runtime.spawn {
          let stream = try await runtime.connect(to: listener.localAddress) as any ByteStream
          try await stream.write("I am \(number) ")
          return try await stream.readToEnd()
        }
      }
      for (number, client) in zip(10..., clients) {
        try await expect("what client \(number) is told", toGive: Array("I am \(number) I am \(number) ".utf8)) {
          try await client.value
        }
      }
      try await expectEnd(of: "the server") { try await server.value }
    },

    Case("Connecting to an address without a listener is refused", .listeners) { runtime in
      try await expect("connecting to a listener that is closed", toBeRefused: .connect, with: [ECONNREFUSED]) {
        // Another process may take a free port at once, but hardly all five.
        var strangers: [any ByteStream] = []
        while strangers.count < 5 {
          let listener = try await runtime.listen(on: .loopback(port: 0))
          listener.close()
          strangers.append(try await runtime.connect(to: listener.localAddress))
        }
        return strangers[0]
      }
    },

    Case("Listening on an address in use is refused", .listeners) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      try await expect("listening on the same port", toBeRefused: .bind, with: [EADDRINUSE]) {
        try await runtime.listen(on: listener.localAddress)
      }
      let stream = try await expectEnd(of: "connecting to the first listener afterwards") {
        try await runtime.connect(to: listener.localAddress)
      }
      stream.close()
    },

    Case("Listening on all addresses beside a listener on one, or the other way round, is refused", .listeners) {
      runtime in
      func expectRefusal(_ second: (UInt16) -> SocketAddress, beside first: SocketAddress) async throws {
        let listener = try await runtime.listen(on: first)
        defer { listener.close() }
        let address = second(listener.localAddress.port ?? 0)
        try await expect(
          "listening on \(address) beside \(listener.localAddress)", toBeRefused: .bind, with: [EADDRINUSE]
        ) {
          try await runtime.listen(on: address)
        }
      }
      try await expectRefusal({ .ipv4(.any, port: $0) }, beside: .ipv4(.any, port: 0))
      try await expectRefusal({ .ipv4(.any, port: $0) }, beside: .loopback(port: 0))
      try await expectRefusal({ .loopback(port: $0) }, beside: .ipv4(.any, port: 0))
    },

    Case("A port can be listened on again right after its connections have ended", .listeners) { runtime in
      try await free(.loopback(port: 0), on: runtime) { listener in
        let near = try await runtime.connect(to: listener.localAddress)
        let far = try await listener.accept()
        // The side that closes first keeps the connection in `TIME_WAIT`, and with it the port.
        far.close()
        _ = try await near.readToEnd()
        near.close()
      }
    },

    Case("Closing a listener frees its address", .listeners) { runtime in
      try await free(.loopback(port: 0), on: runtime) { _ in }
      try await free(.unix(path: temporaryPath()), on: runtime) { _ in }
    },

    Case("Listeners with reusePort share a port, and the last one keeps it alone", .listeners) { runtime in
      var options = ListenOptions()
      options.reusePort = true
      let first = try await runtime.listen(on: .loopback(port: 0), options: options)
      let second = try await expectEnd(of: "listening on its port too") {
        try await runtime.listen(on: first.localAddress, options: options)
      }
      try expect("the second listener's address", second.localAddress, is: first.localAddress)
      let counts = Box(Lock([0, 0]))
      for (index, listener) in ([first, second] as [any StreamListener]).enumerated() {
        runtime.execute {
          while let stream = try? await listener.accept() as any ByteStream {
            counts.value.withLock { $0[index] += 1 }
            stream.close()
          }
        }
      }
      func connect(_ count: Int) async throws {
        let before = counts.value.withLock { $0.reduce(0, +) }
        for _ in 0..<count { try await runtime.connect(to: first.localAddress).close() }
        try await expectEventually("\(count) connections to be accepted") {
          counts.value.withLock { $0.reduce(0, +) } == before + count
        }
      }
      // Which listener gets a connection depends on the addresses. It is practically impossible that one gets none of
      // 64.
      try await connect(64)
      let dealt = counts.value.withLock { $0 }
      try expect("the connections of each", toBe: "some", !dealt.contains(0), saw: "\(dealt)")
      await first.closeAndWait()
      try await connect(32)
      try expect("the connections of the one that is closed", counts.value.withLock { $0[0] }, is: dealt[0])
      second.close()
    },
  ]

  static let addresses: [Case] = [
    Case("Over IPv4 both ends know both addresses", .addresses) { runtime in
      try await expectAddresses(.loopback(port: 0), on: runtime)
    },

    Case("Over IPv6 both ends know both addresses", .addresses) { runtime in
      do {
        try await runtime.listen(on: .ipv6(.loopback, port: 0)).close()
      } catch let error as IOError where error.errno == EAFNOSUPPORT || error.errno == EADDRNOTAVAIL {
        return  // This machine has no IPv6.
      }
      try await expectAddresses(.ipv6(.loopback, port: 0), on: runtime)
    },

    Case("Over a Unix-domain socket both ends know the listener's address", .addresses) { runtime in
      try await expectAddresses(.unix(path: temporaryPath()), on: runtime)
    },

    Case("The peer credentials of a Unix-domain stream are correct", .addresses, needs: .realDescriptors) {
      runtime in
      let (near, far) = try await runtime.connectedPair(.unix(path: temporaryPath()))
      let own = PeerCredentials(processID: getpid(), userID: getuid(), groupID: getgid())
      for stream in [near, far] {
        // Not every stream has the attribute.
        guard let peer = stream.attribute(PeerCredentials.self) else { continue }
        try expect("the process at the other end", peer, is: own)
      }
    },

    Case("Connecting by host name finds the address that is listened on", .addresses) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      defer { listener.close() }
      let port = listener.localAddress.port ?? 0
      for name in ["localhost", "127.0.0.1"] {
        // `localhost` may resolve to an IPv6 address first, where nothing listens.
        let near = try await expectEnd(of: "connecting to \(name)") {
          try await runtime.connect(toHost: name, port: port)
        }
        let far = try await listener.accept()
        try await near.write("x")
        try await expect("what a connection to \(name) carries", toGive: Array("x".utf8)) { try await far.read() }
        near.close()
        far.close()
      }
    },

    Case("Connecting to a name without an address fails with an error that says so", .addresses) { runtime in
      // A label is limited to 63 bytes, so the resolver sends no query.
      let name = String(repeating: "x", count: 64) + ".invalid"
      for name in [name, "localhost\0.example"] {
        let error = try await ioError { try await runtime.connect(toHost: name, port: 80).close() }
        try expect("the error of connecting to \(name.debugDescription)", error?.operation, is: .resolve)
        try expect("the name in what caused it", (error?.cause as? UnresolvedName)?.name, is: name)
      }
    },

    Case("If no address of a host is listened on, the error names the attempts", .addresses) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      let port = listener.localAddress.port ?? 0
      await listener.closeAndWait()
      let error = try await ioError { try await runtime.connect(toHost: "localhost", port: port).close() }
      try expect("the error of connecting to localhost", error?.operation, is: .connect)
      let attempts = (error?.cause as? UnreachableHost)?.attempts ?? []
      let isTried = attempts.contains { $0.address == listener.localAddress }
      try expect(
        "the addresses that were tried", toBe: "\(listener.localAddress) among others", isTried, saw: "\(attempts)")
    },

    Case("Each connection to a listener has its own peer port", .addresses) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      var ports: Set<UInt16?> = []
      var streams: [any ByteStream] = []
      for _ in 0..<10 {
        let near = try await runtime.connect(to: listener.localAddress)
        let far = try await listener.accept()
        ports.insert(far.peerAddress?.port)
        streams += [near, far]
      }
      try expect("the peers' ports", toBe: "10", ports.count == 10 && !ports.contains(nil), saw: "\(ports)")
      for stream in streams { stream.close() }
    },
  ]

  /// Expects both ends of a connection to a listener on `address` to know both addresses.
  static func expectAddresses(_ address: SocketAddress, on runtime: any AsyncRuntime) async throws {
    let listener = try await runtime.listen(on: address)
    let near = try await runtime.connect(to: listener.localAddress)
    let far = try await listener.accept()
    let there = Optional(listener.localAddress)
    try expect("the peer's address, where it was connected", near.peerAddress, is: there)
    try expect("the own address, where it was accepted", far.localAddress, is: there)
    try expect("the own address, where it was connected", near.localAddress, is: far.peerAddress)
    try await near.write("x")
    try await expect("a byte over \(address)", toGive: Array("x".utf8)) { try await far.read() }
    listener.close()
  }

  /// Runs `body` with a listener on `address`, and expects that its address can be listened on afterwards.
  private static func free(
    _ address: SocketAddress, on runtime: any AsyncRuntime, _ body: (any StreamListener) async throws -> Void
  ) async throws {
    // Another process may take a free port at once, but hardly all five.
    var failure: (any Error)?
    for _ in 0..<5 {
      let listener = try await runtime.listen(on: address)
      try await body(listener)
      listener.close()
      do {
        return try await runtime.listen(on: listener.localAddress).close()
      } catch {
        failure = error
      }
    }
    try await expectEnd(of: "listening again on an address like \(address)") { if let failure { throw failure } }
  }

  /// Expects each stream of `near` to be connected to a different one of `far`.
  static func expectPairs(_ near: [any ByteStream], _ far: [any ByteStream]) async throws {
    for (number, stream) in near.enumerated() {
      try await stream.write([UInt8(number)])
      stream.close()
    }
    var heard: [UInt8] = []
    for stream in far {
      heard += try await expectEnd(of: "reading from an accepted stream") { try await stream.readToEnd() }
    }
    try expect("what the accepted streams carry, in order", heard.sorted(), is: near.indices.map { UInt8($0) })
  }
}
