import Glibc
import Runtime
import Testing

@Suite struct SocketAddressTests {
  @Test(
    arguments: [
      ("127.0.0.1:80", .ipv4(.loopback, port: 80)),
      ("0.0.0.0:0", .ipv4(.any, port: 0)),
      ("255.255.255.255:65535", .ipv4(IPv4Address(255, 255, 255, 255), port: 65535)),
      ("[::1]:8080", .ipv6(.loopback, port: 8080)),
      ("[::]:0", .ipv6(.any, port: 0)),
      ("[2001:db8::8:800:200c:417a]:1", .ipv6(IPv6Address(bits: 0x2001_0db8_0000_0000_0008_0800_200c_417a), port: 1)),
      ("[fe80::1%2]:80", .ipv6(IPv6Address(bits: 0xfe80 << 112 | 1), port: 80, scope: 2)),
      ("unix:/run/app.sock", .unix(path: "/run/app.sock")),
      ("unix:name with: colons", .unix(path: "name with: colons")),
      ("unix:./@file", .unix(path: "./@file")),
      ("unix:@app", .unix(path: "\0app")),
      ("unix:@a\0b", .unix(path: "\0a\0b")),
      ("unix:@" + String(repeating: "x", count: 107), .unix(path: "\0" + String(repeating: "x", count: 107))),
    ] as [(String, SocketAddress)])
  func `Parsing and printing an address are inverse`(text: String, address: SocketAddress) {
    #expect(SocketAddress(text) == address)
    #expect(address.description == text)
  }

  @Test(arguments: [
    "", ":", ":80", "80", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1",
    "127.0.0.1: 80", "127.0.0.1:80 ", "127.0.0.256:80", "1.2.3:80", "[]:80", "[::1]", "[::1]80", "[:::]:80",
    "127.0.0.1\0x:80", "[::1\0]:80", "[fe80::1%eth0]:80", "[127.0.0.1]:80:80", "unix:", "unix:a\0b", "unix:\0app",
    "unix:@" + String(repeating: "x", count: 108),
    "unix:/" + String(repeating: "x", count: 107),
  ])
  func `Text that is not an address is refused`(text: String) {
    #expect(SocketAddress(text) == nil)
  }

  @Test func `A host and a port may be given separately`() {
    #expect(SocketAddress(host: "127.0.0.1", port: 80) == .loopback(port: 80))
    #expect(SocketAddress(host: "::1", port: 80) == .ipv6(.loopback, port: 80))
    #expect(SocketAddress(host: "[::1]", port: 80) == .ipv6(.loopback, port: 80))
    #expect(SocketAddress(host: "localhost", port: 80) == nil)
  }

  @Test func `A file whose name begins with @ is not an abstract name`() {
    #expect(SocketAddress.unix(path: "@app").description == "unix:./@app")
  }

  @Test(arguments: ["a\0b", "a\0", String(repeating: "x", count: 108), "\0" + String(repeating: "x", count: 108)])
  func `A system call refuses a path that is invalid for a socket`(path: String) {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    let (bound, code) = SocketAddress.unix(path: path).withSystemAddress { (bind(descriptor, $0, $1), errno) }
    #expect(bound == -1 && code == EINVAL)
  }

  @Test func `Only network addresses have a port`() {
    #expect(SocketAddress.loopback(port: 7).port == 7)
    #expect(SocketAddress.ipv6(.any, port: 8).port == 8)
    #expect(SocketAddress.unix(path: "x").port == nil)
  }

  @Test(arguments: [
    "127.0.0.1:80", "[2001:db8::1]:8080", "[fe80::1%2]:80", "unix:/run/app.sock", "unix:@app", "unix:@a\0b\0",
  ])
  func `An address survives conversion to the system's form and back`(text: String) throws {
    let address = try #require(SocketAddress(text))
    let copy = address.withSystemAddress { bytes, length in
      #expect(Int32(bytes.pointee.sa_family) == address.family)
      return SocketAddress(writtenBy: {
        memcpy($0, bytes, Int(length))
        $1.pointee = length
        return 0
      })
    }
    #expect(copy == address)
    #expect(SocketAddress(writtenBy: { _, _ in -1 }) == nil)
  }
}
