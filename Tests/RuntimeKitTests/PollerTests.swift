import Glibc
import Runtime
import RuntimeKit
import Testing

@Suite struct PollerTests {
  @Test func `A wait is rounded up to milliseconds, and never overflows`() {
    #expect(milliseconds(nil) == -1)
    #expect(milliseconds(0) == 0)
    #expect(milliseconds(1) == 1)
    #expect(milliseconds(1_000_000) == 1)
    #expect(milliseconds(1_000_001) == 2)
    #expect(milliseconds(.max) == .max)
  }

  @Test(arguments: PollerKind.allCases)
  func `A closed poller retains neither itself nor the sockets that it watched`(kind: PollerKind) throws {
    weak var watched: Socket?
    weak var closed: (any Poller)?
    do {
      let poller = try kind.makePoller()
      let socket = try Socket(Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0), poller: poller)
      (watched, closed) = (socket, poller)
      socket.close()
      poller.close()
    }
    #expect(watched == nil && closed == nil)
  }
}
