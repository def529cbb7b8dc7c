import Glibc
import Runtime
import RuntimeKit
import RuntimeTestSupport
import Testing

/// Listening sockets for a backend whose listeners come from another library.
struct ListeningSocketTests {
  @Test func `It listens without blocking, is closed on exec, and knows its port`() throws {
    let socket = try ListeningSocket(on: .loopback(port: 0), options: ListenOptions())
    defer { close(socket.descriptor) }
    #expect(socket.localAddress.port != 0)
    #expect(socket.localAddress == SocketAddress(writtenBy: { getsockname(socket.descriptor, $0, $1) }))
    #expect(fcntl(socket.descriptor, F_GETFL) & O_NONBLOCK != 0)
    #expect(fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    #expect(accept(socket.descriptor, nil, nil) == -1 && errno == EAGAIN)
  }

  @Test func `Its name in the file system exists until it is removed`() throws {
    let path = "/tmp/gearbox-\(UInt64.random(in: 0 ... .max))"
    let socket = try ListeningSocket(on: .unix(path: path), options: ListenOptions())
    defer { close(socket.descriptor) }
    #expect(FileIdentity(path)?.isSocket == true)
    #expect(throws: IOError(.bind, .system(EADDRINUSE))) {
      try ListeningSocket(on: .unix(path: path), options: ListenOptions())
    }
    socket.removeName()
    #expect(FileIdentity(path) == nil)
    let successor = try ListeningSocket(on: .unix(path: path), options: ListenOptions())
    defer { close(successor.descriptor) }
    socket.removeName()
    #expect(FileIdentity(path) != nil)
    successor.removeName()
  }

  @Test func `An inherited socket becomes non-blocking, and keeps its name`() throws {
    let path = "/tmp/gearbox-\(UInt64.random(in: 0 ... .max))"
    defer { unlink(path) }
    let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let code = SocketAddress.unix(path: path).withSystemAddress { bind(descriptor, $0, $1) }
    try #require(code == 0 && listen(descriptor, 1) == 0)
    let socket = try ListeningSocket(inherited: InheritedSocket(descriptor: descriptor))
    defer { close(socket.descriptor) }
    #expect(socket.localAddress == .unix(path: path))
    #expect(fcntl(socket.descriptor, F_GETFL) & O_NONBLOCK != 0)
    socket.removeName()
    #expect(FileIdentity(path) != nil)
  }

  @Test func `Options are set on any socket`() throws {
    let socket = try ListeningSocket(on: .loopback(port: 0), options: ListenOptions())
    defer { close(socket.descriptor) }
    var options = TCPOptions()
    options.keepAlive = TCPOptions.KeepAlive(idle: .milliseconds(1500))
    options.apply(to: socket.descriptor)
    #expect(option(TCP_NODELAY, Int32(IPPROTO_TCP), of: socket.descriptor) == 1)
    #expect(option(TCP_KEEPIDLE, Int32(IPPROTO_TCP), of: socket.descriptor) == 2)
  }

  private func option(_ name: Int32, _ level: Int32, of descriptor: Int32) -> Int32 {
    var (value, length) = (Int32(-1), socklen_t(MemoryLayout<Int32>.size))
    getsockopt(descriptor, level, name, &value, &length)
    return value
  }
}
