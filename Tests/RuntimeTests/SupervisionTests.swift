import Glibc
import RuntimeTestSupport
import Testing

@testable import Runtime

/// The parts of supervision that need no process. `scripts/check-processes` tries the whole.
@Suite struct SupervisionTests {
  @Test func `Deaths that follow quickly are waited for longer and longer, up to a limit`() {
    var pace = RestartPace()
    let waits = (0..<9).map { _ in pace.next(afterLifeOf: .seconds(1)) }
    #expect(waits == [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000].map { .milliseconds($0) })
  }

  @Test func `A death after a long life is not waited for, and those before it are forgotten`() {
    var pace = RestartPace()
    for _ in 0..<5 { _ = pace.next(afterLifeOf: .milliseconds(1)) }
    #expect(pace.next(afterLifeOf: RestartPace.calm) == .zero)
    #expect(pace.next(afterLifeOf: .milliseconds(9999)) == RestartPace.shortest)
  }

  @Test(
    arguments: [
      .ready, .alive, .lastWords(""), .lastWords("GET /users/:id"), .lastWords("GET /straße"),
    ] as [SupervisionMessage])
  func `A message is read as it was written`(message: SupervisionMessage) {
    #expect(message.bytes.count <= SupervisionMessage.longest)
    #expect(SupervisionMessage(message.bytes) == message)
  }

  @Test func `Last words are cut where a message has no more room, and what is not known is no message`() {
    let words = SupervisionMessage.lastWords(String(repeating: "x", count: 1000))
    #expect(words.bytes.count == SupervisionMessage.longest)
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
  func `How a process has ended is read from its status`(waitStatus: Int32, end: ProcessEnd, exitStatus: Int32) {
    #expect(ProcessEnd(waitStatus: waitStatus) == end)
    #expect(end.exitStatus == exitStatus)
  }

  @Test func `Signs of life come as messages until the supervisor has gone`() async throws {
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
      // The first message is not taken: it is for `readMessages`.
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
  func `A variable that names no socket to a supervisor is none`(value: String) async {
    await #expect(processExitsWith: .success) { [value] in
      setenv(ProcessStarter.variable, value, 1)
      #expect(SupervisorLink.take() == nil)
    }
  }

  @Test func `Signals that were ignored come by a descriptor nevertheless`() async {
    await #expect(processExitsWith: .success) {
      signal(SIGCHLD, SIG_IGN)
      let signals = try SignalDescriptor([SIGCHLD, SIGHUP])
      #expect(signals.next() == nil)
      raise(SIGCHLD)
      #expect(signals.next() == SIGCHLD)
      #expect(signals.next() == nil)
    }
  }

  @Test func `A signal of a crash has the process send what its task was doing`() async throws {
    await #expect(processExitsWith: .success) {
      var ends: [Int32] = [-1, -1]
      #expect(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
      setenv(ProcessStarter.variable, "\(ends[1])", 1)
      // What is done about the signal afterwards is what was done before: here that is nothing.
      signal(SIGFPE, SIG_IGN)
      _ = try #require(SupervisorLink.take())
      let process = SupervisedProcess(0, channel: ends[0])
      let note = TaskNote(TaskNote.Label("GET /words"))
      raise(SIGFPE)
      process.readMessages()
      #expect(process.lastWords == "GET /words")
      note.clear()
    }
  }

  @Test func `A process that crashes dies of the signal that it has crashed by`() async {
    await #expect(processExitsWith: .signal(SIGTRAP)) {
      var ends: [Int32] = [-1, -1]
      #expect(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
      setenv(ProcessStarter.variable, "\(ends[1])", 1)
      _ = try #require(SupervisorLink.take())
      raise(SIGTRAP)
    }
  }
}

/// A clock on which no time is to be waited for.
private struct InstantClock: Clock {
  typealias Duration = Swift.Duration

  var now: ContinuousClock.Instant { ContinuousClock.now }
  var minimumResolution: Swift.Duration { .zero }

  func sleep(until deadline: ContinuousClock.Instant, tolerance: Swift.Duration?) async throws { await Task.yield() }
}
