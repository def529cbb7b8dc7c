import Glibc
import RuntimePrimitives
import Testing

@testable import Runtime

@Suite struct RingTests {
  @Test func `A ring is a queue, however often it wraps and grows`() {
    var (ring, next, expected) = (Ring<Int>(), 0, 0)
    for round in 0..<200 {
      for _ in 0..<round {
        ring.append(next)
        next += 1
      }
      for _ in 0..<round / 2 {
        #expect(ring.popFirst() == expected)
        expected += 1
      }
      #expect(ring.count == next - expected)
    }
    while let number = ring.popFirst() {
      #expect(number == expected)
      expected += 1
    }
    #expect(ring.isEmpty && expected == next)
  }
}

@Suite struct CoresTests {
  @Test func `The number of cores is at least one, and at most that of the machine`() {
    #expect(availableCores() >= 1)
    #expect(availableCores() <= sysconf(Int32(_SC_NPROCESSORS_CONF)))
  }

  @Test(
    arguments: [
      ("max 100000\n", nil), ("150000 100000\n", 1.5), ("50000 100000", 0.5), ("", nil), ("x y", nil), ("1 0", nil),
    ]
      as [(String, Double?)])
  func `The quota of a control group is read`(text: String, expected: Double?) {
    #expect(quota(v2: text) == expected)
  }
}

@Suite struct DurationTests {
  @Test func `Durations are rounded up to nanoseconds, and never overflow`() {
    #expect(Duration.seconds(2).nanoseconds == 2_000_000_000)
    #expect(Duration(secondsComponent: 0, attosecondsComponent: 1).nanoseconds == 1)
    #expect(Duration(secondsComponent: 0, attosecondsComponent: 1_000_000_000).nanoseconds == 1)
    #expect(Duration.seconds(Int64.max).nanoseconds == .max)
    #expect(Duration.seconds(Int64.min).nanoseconds == .min)
    #expect(MonotonicTime.deadline(after: Int64.max) == .max)
  }
}

@Suite struct IOErrorTests {
  @Test(arguments: [
    (IOError(.read, .closed), "read: closed"),
    (IOError(.accept, .cancelled), "accept: cancelled"),
    (IOError(.write, .busy), "write: another task is already waiting for this"),
    (IOError(.connect, .system(ECONNREFUSED)), "connect: Connection refused (errno 111)"),
    (IOError(.read, .foreign), "read: another layer failed"),
    (IOError(.read, causedBy: Alert(number: 40)), "read: Alert(number: 40)"),
    (IOError(.write, .closed, causedBy: Alert(number: 0)), "write: closed (Alert(number: 0))"),
  ])
  func `An error names the operation and its cause`(error: IOError, text: String) {
    #expect(error.description == text)
  }

  @Test func `The cause of an error is accessible, and does not affect equality`() throws {
    let error = IOError(.read, causedBy: Alert(number: 40))
    #expect((error.cause as? Alert)?.number == 40)
    #expect(error.reason == .foreign && error.errno == nil)
    #expect(error == IOError(.read, causedBy: Alert(number: 70)))
    #expect(Set([error, IOError(.read, .foreign), IOError(.read, .closed)]).count == 2)
    #expect(IOError(.bind, .system(EACCES)).errno == EACCES)
  }

  @Test func `An error tells whether it is a cancellation`() {
    #expect(CancellationError().isCancellation && IOError(.read, .cancelled).isCancellation)
    #expect(!IOError(.read, .closed).isCancellation && !Alert(number: 0).isCancellation)
  }

  private struct Alert: Error { var number: Int }
}
