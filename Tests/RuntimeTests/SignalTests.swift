import Glibc
import RuntimePrimitives
import RuntimeTestSupport
import Testing

@testable import Runtime

/// Signals of the test process: SIGUSR1 and SIGUSR2, which no other test uses.
@Suite(.timeLimit(.minutes(10)), .serialized) struct SignalTests {
  @Test(arguments: Backend.allCases)
  func `A task gets the signals that it waits for, one after another`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let signals = try Signals([.user1, .user2])
      let seen = runtime.spawn {
        var seen: [Signal] = []
        for await signal in signals {
          seen.append(signal)
          if seen.count == 4 { break }
          send([.user2, .user1, .user1][seen.count - 1])
        }
        return seen
      }
      send(.user1)
      #expect(try await seen.value == [.user1, .user2, .user1, .user1])
    }
  }

  @Test(arguments: Backend.allCases)
  func `Each of several sequences of a signal gets it every time`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let sequences = try [Signals([.user1]), Signals([.user1, .user2]), Signals([.user1])]
      for _ in 0..<10 {
        let waits = sequences.map { signals in
          runtime.spawn { await first(of: signals) }
        }
        send(.user1)
        for wait in waits { #expect(try await wait.value == .user1) }
      }
      send(.user2)
      #expect(await first(of: sequences[1]) == .user2)
    }
  }

  @Test func `Signals that come before they are awaited are kept, as often as they came`() async throws {
    let (late, witness) = (try Signals([.user1, .user2]), try Signals([.user1, .user2]))
    let sent: [Signal] = [.user1, .user2, .user1, .user1]
    for signal in sent {
      send(signal)
      // The system merges two that arrive at once.
      #expect(await first(of: witness) == signal)
    }
    var seen: [Signal] = []
    for await signal in late {
      seen.append(signal)
      if seen.count == sent.count { break }
    }
    #expect(seen == [.user1, .user1, .user1, .user2])
  }

  @Test func `Signals that come at once go to the waiting tasks, and the rest are kept`() async {
    let mailbox = SignalMailbox([.user1, .user2])
    let waiter = Task.immediate { await mailbox.next() }
    mailbox.receive(.user1, count: 3)
    mailbox.receive(.user2, count: 2)
    mailbox.receive(.user1, count: 1)
    #expect(await waiter.value == .user1)
    for signal in [Signal.user1, .user1, .user1, .user2, .user2] { #expect(await mailbox.next() == signal) }
    let nothing = Task { await mailbox.next() }
    nothing.cancel()
    #expect(await nothing.value == nil)
  }

  @Test func `Each signal goes to one of several tasks that share a sequence`() async throws {
    let (signals, witness) = (try Signals([.user1]), try Signals([.user1]))
    let tasks = (0..<3).map { _ in Task { await first(of: signals) } }
    for _ in tasks {
      send(.user1)
      #expect(await first(of: witness) == .user1)
    }
    for task in tasks { #expect(await task.value == .user1) }
  }

  @Test(arguments: Backend.allCases)
  func `Cancelling ends the loop, and loses no signal`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let (signals, witness) = (try Signals([.user1]), try Signals([.user1]))
      for round in 0..<100 {
        let task = runtime.spawn { await first(of: signals) }
        for _ in 0..<round % 5 { await Task.yield() }
        task.cancel()
        #expect(try await task.value == nil)
      }
      send(.user1)
      #expect(await first(of: witness) == .user1)
      let late = runtime.spawn {
        withUnsafeCurrentTask { $0?.cancel() }
        return await first(of: signals)
      }
      #expect(try await late.value == nil)
      #expect(await first(of: signals) == .user1)
    }
  }

  @Test func `A handler is called for each signal, beside the sequences, though the shared pool is stuck`() async {
    // In a process of its own, since the pool stays stuck.
    await #expect(processExitsWith: .success) {
      let seen = Monitor<[Signal]>([])
      try Signals.handle([.user1, .user2]) { signal in
        seen.withLock { $0.append(signal) }
        seen.notifyAll()
      }
      let late = try Signals([.user1])
      // Blocks all threads of the pool, one per processor; this task has one of them.
      for _ in 0..<availableCores() * 2 { Task { seen.wait { seen, _ in seen.count == 2 ? () : nil } } }
      for (count, signal) in [Signal.user1, .user2].enumerated() {
        send(signal)
        seen.wait { seen, _ in seen.count > count ? () : nil }
      }
      #expect(seen.withLock { $0 } == [.user1, .user2])
      #expect(await first(of: late) == .user1)
    }
  }

  @Test func `The earlier action of a signal returns with the end of its last sequence`() throws {
    let before = disposition(of: SIGUSR2)
    signal(SIGUSR2, SIG_IGN)
    defer { signal(SIGUSR2, before) }
    var (one, other): (Signals?, Signals?) = (try Signals([.user2]), try Signals([.user2, .user1]))
    #expect(one != nil && other != nil)
    #expect(!isIgnored(SIGUSR2))
    one = nil
    #expect(!isIgnored(SIGUSR2))
    // An iterator counts as well.
    var iterator = other?.makeAsyncIterator()
    other = nil
    #expect(iterator != nil && !isIgnored(SIGUSR2))
    iterator = nil
    #expect(isIgnored(SIGUSR2))
    #expect(number(disposition(of: SIGUSR1)) == number(SIG_DFL))
  }

  @Test func `A handler that the program sets meanwhile is kept`() throws {
    var signals: Signals? = try Signals([.user2])
    #expect(signals != nil)
    signal(SIGUSR2, SIG_IGN)
    defer { signal(SIGUSR2, SIG_DFL) }
    let second = try Signals([.user1])
    signals = nil
    #expect(isIgnored(SIGUSR2))
    withExtendedLifetime(second) {}
  }

  @Test func `A sequence gets no signals that came before it`() async throws {
    for _ in 0..<100 {
      do {
        let signals = try Signals([.user1])
        // The signal has arrived when this returns, and most likely has not been delivered to sequences yet.
        try raise(.user1)
        withExtendedLifetime(signals) {}
      }
      let signals = try Signals([.user1, .user2])
      send(.user2)
      #expect(await first(of: signals) == .user2)
    }
  }

  @Test(arguments: [
    (SIGKILL, "SIGKILL cannot be caught"), (SIGSTOP, "SIGSTOP cannot be caught"), (0, "signal 0 cannot be caught"),
    (-1, "signal -1 cannot be caught"), (65, "signal 65 cannot be caught"), (32, "signal 32 cannot be caught"),
    (SIGSEGV, "SIGSEGV cannot be waited for: the instruction would raise it again"),
    (SIGILL, "SIGILL cannot be waited for: the instruction would raise it again"),
  ])
  func `A signal that cannot be caught is refused, and those beside it are not caught`(number: Int32, message: String) {
    let error = #expect(throws: SignalError.self) {
      try Signals([.user1, Signal(rawValue: number), .user2, .hangup])
    }
    #expect(error?.description == message)
    for other in [SIGUSR1, SIGUSR2, SIGHUP] {
      #expect(SignalTests.number(disposition(of: other)) == SignalTests.number(SIG_DFL))
    }
  }

  private func isIgnored(_ number: Int32) -> Bool { Self.number(disposition(of: number)) == Self.number(SIG_IGN) }

  private static func number(_ handler: sighandler_t?) -> Int { unsafeBitCast(handler, to: Int.self) }
  private func number(_ handler: sighandler_t?) -> Int { Self.number(handler) }
}

private func disposition(of number: Int32) -> sighandler_t? {
  var action = sigaction()
  sigaction(number, nil, &action)
  return action.__sigaction_handler.sa_handler
}

private func send(_ signal: Signal) { kill(getpid(), signal.rawValue) }

/// Sends `signal` to a thread that handles it before this returns. Threads of Dispatch block signals.
private func raise(_ signal: Signal) throws {
  let thread = try Thread(name: "raise") {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, signal.rawValue)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    Glibc.raise(signal.rawValue)
  }
  thread.join()
}

private func first(of signals: Signals) async -> Signal? {
  var iterator = signals.makeAsyncIterator()
  return await iterator.next()
}
