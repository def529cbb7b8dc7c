import Glibc
import RuntimeKit
import Testing

@Suite struct OpenDescriptorTests {
  @Test func `A descriptor is closed when the last call on it has ended`() {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { Glibc.close(ends[1]) }
    final class Holder {
      private let descriptor: OpenDescriptor
      init(_ number: Int32) { descriptor = OpenDescriptor(number) }
      func close() -> Bool { descriptor.close() }
      func use<Result>(_ call: (Int32) -> Result) -> Result? { descriptor.use(call) }
    }
    let holder = Holder(ends[0])
    let isOpenInside = holder.use { number in
      #expect(holder.close())
      #expect(!holder.close())
      #expect(holder.use { $0 } == nil)
      return fcntl(number, F_GETFD) >= 0
    }
    #expect(isOpenInside == true)
    // Another file may have the number by now, but the pipe's other end reports that it has no reader.
    var state = pollfd(fd: ends[1], events: Int16(POLLOUT), revents: 0)
    #expect(poll(&state, 1, 0) == 1 && state.revents & Int16(POLLERR) != 0)
  }
}
