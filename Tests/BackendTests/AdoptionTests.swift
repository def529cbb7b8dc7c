import Glibc
import Runtime
import RuntimeKit
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Adopting connected sockets that other code has opened, such as inetd.
@Suite(.timeLimit(.minutes(10))) struct AdoptionTests {
  @Test(arguments: Variant.all)
  func `A connected socket that other code opened becomes a stream`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (descriptor, other) = try socketPair()
      let near = try runtime.adopting(descriptor)
      let far = try runtime.adopting(other)
      #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
      #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
      // The read waits without a thread of the runtime, and ends when it is cancelled.
      let reading = runtime.spawn { try await near.read() }
      reading.cancel()
      await #expect(throws: IOError(.read, .cancelled)) { try await reading.value }
      try await far.write("hello")
      #expect(try await near.read() == Array("hello".utf8))
      near.close()
      #expect(try await far.readToEnd() == [])
      far.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `A descriptor that is not a connected socket is refused, and closed`(backend: Backend) async throws {
    let runtime = try backend.makeRuntime(workers: 1)
    let (file, idle) = (open("/dev/null", O_RDONLY), socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
    // Other files would reuse their numbers at once.
    let (fileCopy, idleCopy) = (try #require(FileIdentity(of: file)), try #require(FileIdentity(of: idle)))
    #expect(throws: IOError(.connect, .system(ENOTSOCK))) { try runtime.adopting(file) }
    #expect(throws: IOError(.connect, .system(ENOTCONN))) { try runtime.adopting(idle) }
    #expect(FileIdentity(of: file) != fileCopy)
    #expect(FileIdentity(of: idle) != idleCopy)
    await runtime.shutdown()
    let (late, other) = try socketPair()
    #expect(throws: IOError(.connect, .closed)) { try runtime.adopting(late) }
    var byte: UInt8 = 0
    #expect(recv(other, &byte, 1, 0) == 0)
    close(other)
  }
}

extension AsyncRuntime {
  fileprivate func adopting(_ descriptor: Int32) throws -> any ByteStream {
    try #require(self as? any SocketRuntime).adopt(descriptor)
  }
}

private func socketPair() throws -> (Int32, Int32) {
  var pair: [Int32] = [0, 0]
  try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
  return (pair[0], pair[1])
}

/// The identity of a descriptor's file.
private struct FileIdentity: Equatable {
  private let device: dev_t
  private let number: ino_t

  init?(of descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    (device, number) = (status.st_dev, status.st_ino)
  }
}
