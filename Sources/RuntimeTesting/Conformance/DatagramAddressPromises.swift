import Glibc
import Runtime

extension RuntimeConformance {
  /// The addresses of datagram sockets, and the end of the sockets at shutdown.
  static let datagramAddresses: [Case] = [
    Case("A datagram socket owns its address until it is closed", .datagrams) { runtime in
      for kind in DatagramKind.allCases {
        let first = try await runtime.bindDatagrams(on: kind.address)
        try await expect("binding another to it", toBeRefused: .bind, with: [EADDRINUSE]) {
          try await runtime.bindDatagrams(on: first.localAddress).close()
        }
        await first.closeAndWait()
        let second = try await expectEnd(of: "binding another to it afterwards") {
          try await runtime.bindDatagrams(on: first.localAddress)
        }
        try expect("the address of the other", second.localAddress, is: first.localAddress)
      }
    },

    Case(
      "The name of a Unix-domain datagram socket exists exactly while it is open", .datagrams,
      needs: .realDescriptors
    ) { runtime in
      let (path, next) = (temporaryPath(), temporaryPath())
      // In case the runtime does not remove them.
      defer { for path in [path, next] { unlink(path) } }
      let socket = try await runtime.bindDatagrams(on: .unix(path: path))
      try expect("its address", socket.localAddress, is: .unix(path: path))
      try expect("the name while it is open", FileIdentity(path) != nil, is: true)
      await socket.closeAndWait()
      try expect("the name once it is closed", FileIdentity(path), is: nil)

      let first = try await runtime.bindDatagrams(on: .unix(path: path))
      let second = try await runtime.bindDatagrams(on: .unix(path: next))
      try expect("renaming by hand", rename(next, path), is: 0)
      let identity = FileIdentity(path)
      await first.closeAndWait()
      try expect("the file that has the name when the first is closed", FileIdentity(path), is: identity)
      try await expect("what the second receives", toGive: Array("x".utf8)) {
        try await second.send("x", to: .unix(path: path))
        return try await second.receive().bytes
      }
    },

    Case(
      "Binding a datagram socket replaces an abandoned socket, but not an open one", .datagrams,
      needs: .realDescriptors
    ) { runtime in
      let path = temporaryPath()
      defer { unlink(path) }
      for kind in [SOCK_DGRAM, SOCK_STREAM] {
        let descriptor = Glibc.socket(AF_UNIX, Int32(kind.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let code = SocketAddress.unix(path: path).withSystemAddress { bind(descriptor, $0, $1) }
        try expect("binding by hand", code, is: 0)
        let identity = FileIdentity(path)
        try await expect("binding while it is open", toBeRefused: .bind, with: [EADDRINUSE]) {
          try await runtime.bindDatagrams(on: .unix(path: path)).close()
        }
        try expect("the file of that name afterwards", FileIdentity(path), is: identity)
        close(descriptor)
        let socket = try await expectEnd(of: "binding once it is left behind") {
          try await runtime.bindDatagrams(on: .unix(path: path))
        }
        try await expect("listening on the name of a socket for datagrams", toBeRefused: .bind, with: [EADDRINUSE]) {
          try await runtime.listen(on: .unix(path: path)).close()
        }
        await socket.closeAndWait()
      }
      close(creat(path, 0o600))
      try await expect("binding to the name of a file", toBeRefused: .bind, with: [EADDRINUSE, EEXIST]) {
        try await runtime.bindDatagrams(on: .unix(path: path)).close()
      }
    },

    .makingRuntimes("Shutting down ends pending receives and closes datagram sockets", .datagrams) { trial in
      let runtime = try await trial.makeRuntime()
      let (udp, _) = try await runtime.bindTwo(.udp)
      let (unix, _) = try await runtime.bindTwo(.unix)
      let receiving = [udp, unix].map { socket in runtime.spawn { _ = try await socket.receive() } }
      for _ in 0..<10 { await Task.yield() }
      try await expectEnd(of: "the shutdown") { await runtime.shutdown(grace: .seconds(3600)) }
      for task in receiving {
        try await expect("a receive", toThrow: IOError(.receive, .closed)) { try await task.value }
      }
      try await expect("a send afterwards", toThrow: IOError(.send, .closed)) {
        try await udp.send("x", to: udp.localAddress)
      }
      for kind in DatagramKind.allCases {
        try await expect("binding afterwards", toThrow: IOError(.bind, .closed)) {
          try await runtime.bindDatagrams(on: kind.address).close()
        }
      }
    },
  ]
}
