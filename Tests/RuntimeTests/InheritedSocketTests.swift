import Glibc
import RuntimeTestSupport
import Testing

@testable import Runtime

@Suite struct InheritedSocketTests {
  @Test(arguments: [
    (["LISTEN_FDS": "2", "LISTEN_PID": "7"], ["unknown", "unknown"]),
    (["LISTEN_FDS": "2", "LISTEN_PID": "7", "LISTEN_FDNAMES": "web:admin"], ["web", "admin"]),
    (["LISTEN_FDS": "1", "LISTEN_FDNAMES": "web"], ["web"]),
    (["LISTEN_FDS": "1", "LISTEN_FDNAMES": ""], [""]),
    (["LISTEN_FDS": "0", "LISTEN_PID": "7"], []),
    (["LISTEN_FDS": "2", "LISTEN_PID": "8"], []),
    (["LISTEN_PID": "7", "LISTEN_FDNAMES": "web"], []),
    ([:], []),
  ])
  func `The environment gives the number of sockets, their process and their names`(
    environment: [String: String], names: [String]
  ) throws {
    #expect(try InheritedSocket.names(process: 7) { environment[$0] } == names)
  }

  @Test(arguments: [
    (["LISTEN_FDS": "two"], "LISTEN_FDS: \"two\" is not a whole number from 0 to "),
    (["LISTEN_FDS": "-1"], "LISTEN_FDS: \"-1\" is not a whole number from 0 to "),
    (["LISTEN_FDS": "4000000000"], "LISTEN_FDS: \"4000000000\" is not a whole number from 0 to "),
    (["LISTEN_FDS": "1", "LISTEN_PID": "x"], "LISTEN_PID: \"x\" is not a whole number from 0 to 2147483647"),
    (
      ["LISTEN_FDS": "2", "LISTEN_FDNAMES": "web"],
      "LISTEN_FDNAMES: \"web\" is not 2 names separated by colons"
    ),
  ])
  func `An invalid variable is an error that names it, its value, and what it has to be`(
    environment: [String: String], text: String
  ) {
    let error = #expect(throws: InvalidListenVariable.self) {
      try InheritedSocket.names(process: 7) { environment[$0] }
    }
    #expect(error?.description.hasPrefix(text) == true)
  }

  @Test(arguments: Backend.allCases)
  func `A socket is taken from the environment once, and serves`(backend: Backend) async {
    // In a process of its own, since the process has one environment.
    await #expect(processExitsWith: .success) { [backend] in
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      let address = SocketAddress.loopback(port: 0)
      #expect(address.withSystemAddress { bind(descriptor, $0, $1) } == 0 && listen(descriptor, 1) == 0)
      setenv("LISTEN_FDS", "1", 1)
      setenv("LISTEN_PID", "\(getpid())", 1)
      setenv("LISTEN_FDNAMES", "web", 1)
      let sockets = try InheritedSocket.takeAll(from: descriptor)
      #expect(sockets.map(\.name) == ["web"])
      #expect(getenv("LISTEN_FDS") == nil)
      #expect(try InheritedSocket.takeAll().isEmpty)
      #expect(fcntl(descriptor, F_GETFD) == FD_CLOEXEC)
      try await backend.withRuntime { runtime in
        let listener = try await runtime.listen(onInherited: sockets[0])
        let near = try await runtime.connect(to: listener.localAddress)
        let far = try await listener.accept()
        try await near.write(Array("hello".utf8))
        #expect(try await far.read(upTo: 5) == Array("hello".utf8))
        await #expect(throws: IOError(.listen, .closed)) { try await runtime.listen(onInherited: sockets[0]) }
      }
    }
  }

  @Test func `An inherited socket that is never listened on is closed when it is dropped`() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { close(ends[0]) }
    _ = InheritedSocket(descriptor: ends[1])
    var byte: UInt8 = 0
    #expect(read(ends[0], &byte, 1) == 0)
  }
}
