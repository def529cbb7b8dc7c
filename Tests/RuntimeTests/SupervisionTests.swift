import Glibc
import RuntimeTestSupport
import Testing

@testable import Runtime

/// The parts of supervision that need no process. `scripts/check-processes` tests the whole.
@Suite struct SupervisionTests {
  @Test func `Quick deaths make the restart wait longer and longer, up to a limit`() {
    var backoff = RestartBackoff()
    let waits = (0..<9).map { _ in backoff.nextDelay(afterLifetime: .seconds(1)) }
    #expect(waits == [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000].map { .milliseconds($0) })
  }

  @Test func `A death after a long life makes no wait, and resets earlier ones`() {
    var backoff = RestartBackoff()
    for _ in 0..<5 { _ = backoff.nextDelay(afterLifetime: .milliseconds(1)) }
    #expect(backoff.nextDelay(afterLifetime: RestartBackoff.stableLifetime) == .zero)
    #expect(backoff.nextDelay(afterLifetime: .milliseconds(9999)) == RestartBackoff.initialDelay)
  }

  @Test(
    arguments: [
      .ready, .heartbeat, .crash(activity: ""), .crash(activity: "GET /users/:id"), .crash(activity: "GET /straße"),
    ] as [SupervisionMessage])
  func `A message is read as it was written`(message: SupervisionMessage) {
    #expect(message.bytes.count <= SupervisionMessage.maximumLength)
    #expect(SupervisionMessage(message.bytes) == message)
  }

  @Test func `A crash message is cut to the maximum length, and unknown bytes are not a message`() {
    let crash = SupervisionMessage.crash(activity: String(repeating: "x", count: 1000))
    #expect(crash.bytes.count == SupervisionMessage.maximumLength)
    #expect(SupervisionMessage([]) == nil)
    #expect(SupervisionMessage("?later".utf8) == nil)
  }

  @Test(
    arguments: [
      (0, .exited(0), 0), (0x0100, .exited(1), 1), (0x4000, .exited(64), 64),
      (SIGKILL, .killed(by: .init(rawValue: SIGKILL)), 137),
      // With a core dump.
      (SIGILL | 0x80, .killed(by: .init(rawValue: SIGILL)), 132),
    ] as [(Int32, ProcessEnd, Int32)])
  func `The end of a process is read from its status`(waitStatus: Int32, end: ProcessEnd, exitStatus: Int32) {
    #expect(ProcessEnd(waitStatus: waitStatus) == end)
    #expect(end.exitStatus == exitStatus)
  }

  @Test func `Signs of life are sent as messages until the supervisor is gone`() async throws {
    await #expect(processExitsWith: .success) {
      var ends: [Int32] = [-1, -1]
      #expect(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
      setenv(ProcessStarter.variable, "\(ends[1])", 1)
      let link = try #require(SupervisorLink.take())
      #expect(SupervisorLink.take() == nil)
      #expect(fcntl(ends[1], F_GETFD) == FD_CLOEXEC)
      let process = SupervisedProcess(0, channel: ends[0])
      #expect(!process.isReady)
      link.notifyReady()
      let beating = Task { await link.keepAlive(on: InstantClock()) }
      var byte: UInt8 = 0
      // Only peeks at the first message, which `readMessages` is to read.
      #expect(recv(ends[0], &byte, 1, Int32(MSG_PEEK)) == 1)
      process.readMessages()
      #expect(process.isReady)
      for _ in 0..<3 {
        #expect(recv(ends[0], &byte, 1, 0) == 1)
        #expect(byte == UInt8(ascii: "a"))
      }
      close(ends[0])
      #expect(await beating.value)
    }
  }

  @Test(arguments: ["0", "-1", "x", "", "1000"])
  func `A variable that names no supervisor's socket is ignored`(value: String) async {
    await #expect(processExitsWith: .success) { [value] in
      setenv(ProcessStarter.variable, value, 1)
      #expect(SupervisorLink.take() == nil)
    }
  }

  @Test func `Ignored signals still arrive through a descriptor`() async {
    await #expect(processExitsWith: .success) {
      signal(SIGCHLD, SIG_IGN)
      let signals = try SignalDescriptor([SIGCHLD, SIGHUP])
      #expect(signals.next() == nil)
      raise(SIGCHLD)
      #expect(signals.next() == SIGCHLD)
      #expect(signals.next() == nil)
    }
  }

  @Test func `A process sends the activity of its task when it crashes`() async throws {
    await #expect(processExitsWith: .success) {
      var ends: [Int32] = [-1, -1]
      #expect(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
      setenv(ProcessStarter.variable, "\(ends[1])", 1)
      // The signal's earlier action applies afterwards: here it is ignored.
      signal(SIGFPE, SIG_IGN)
      _ = try #require(SupervisorLink.take())
      let process = SupervisedProcess(0, channel: ends[0])
      let note = TaskNote(TaskNote.Label("GET /words"))
      raise(SIGFPE)
      process.readMessages()
      #expect(process.crashActivity == "GET /words")
      note.clear()
    }
  }

  @Test func `A process that crashes dies of the signal of the crash`() async {
    await #expect(processExitsWith: .signal(SIGTRAP)) {
      var ends: [Int32] = [-1, -1]
      #expect(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
      setenv(ProcessStarter.variable, "\(ends[1])", 1)
      _ = try #require(SupervisorLink.take())
      raise(SIGTRAP)
    }
  }
}

/// A clock whose sleeps return at once.
private struct InstantClock: Clock {
  typealias Duration = Swift.Duration

  var now: ContinuousClock.Instant { ContinuousClock.now }
  var minimumResolution: Swift.Duration { .zero }

  func sleep(until deadline: ContinuousClock.Instant, tolerance: Swift.Duration?) async throws { await Task.yield() }
}
