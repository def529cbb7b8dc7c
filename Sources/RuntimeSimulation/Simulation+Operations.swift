import Glibc
import Runtime

extension Simulation {
  /// Connects `host` to `address`. Takes the time of the way there, and waits while the hosts are partitioned.
  func connect(
    from host: SimulatedHost, to address: SocketAddress, _ options: ConnectOptions
  ) async throws(IOError) -> SimulatedStream {
    let attempt = try network.makeAttempt(from: host, to: address)
    var isFirst = true
    while true {
      try await waitForArrival(of: attempt, at: isFirst ? attempt.arrival : now)
      isFirst = false
      if attempt.to.isSilent { continue }
      guard let listener = network.listener(for: attempt) else { throw IOError(.connect, .system(attempt.refusal)) }
      if !listener.isFull {
        let stream = network.establish(attempt, at: listener, options)
        journal.record(.connected(stream.end))
        return stream
      }
      // A system drops an attempt that does not fit into the backlog; the client tries again.
      try await wait(on: host.number, for: .connect(address)) { listener.connecting.append($0) }.check(.connect)
    }
  }

  /// Waits until `time`, and for as long as something keeps the attempt from getting through.
  private func waitForArrival(of attempt: SimulatedNetwork.Attempt, at time: Int64) async throws(IOError) {
    let end = now + Self.connectTimeout
    while let whenGone = network.obstacle(for: attempt) {
      var waiter: Waiter?
      whenGone { self.wake(waiter, .ready) }
      let wake = await wait(on: attempt.from.number, for: .connect(attempt.address), until: end) { waiter = $0 }
      try wake.check(.connect)
      if case .timeUp = wake { throw IOError(.connect, .system(ETIMEDOUT)) }
    }
    if time > now {
      try await wait(on: attempt.from.number, for: .connect(attempt.address), until: time).check(.connect)
    }
  }

  /// How long Linux waits for an answer with its default settings (tcp(7), `tcp_syn_retries`): 127 s.
  private static var connectTimeout: Int64 { 127_000_000_000 }

  /// Runs `work` between two jobs.
  func runBlocking<Success: Sendable>(
    on host: SimulatedHost, _ work: sending @escaping () throws -> Success
  ) async throws -> Success {
    let incarnation = host.incarnation
    guard !incarnation.isClosed, !owners.isCurrentDead else { throw CancellationError() }
    guard incarnation.blockingCount < SimulatedHost.blockingLimits.threads + SimulatedHost.blockingLimits.queued else {
      incarnation.refusedBlockingCalls += 1
      throw BlockingWorkRefused(SimulatedHost.blockingLimits)
    }
    var outcome: Result<Success, any Error>?
    incarnation.blockingCount += 1
    defer { incarnation.blockingCount -= 1 }
    let wake = await wait(on: host.number, for: .blockingWork) { waiter in
      enqueue {
        // The caller has stopped waiting: the work is dropped.
        guard waiter.isWaiting else { return }
        self.journal.record(.blockingWork(on: host))
        outcome = Result(catching: work)
        self.wake(waiter, .ready)
      }
    }
    if case .closed = wake { throw CancellationError() }
    guard let outcome else { throw CancellationError() }
    return try outcome.get()
  }
}

extension SimulatedNetwork.Attempt {
  /// The error of a system on which no socket listens at the address.
  fileprivate var refusal: Int32 {
    if case .unix = address, !isRefused { ENOENT } else { ECONNREFUSED }
  }
}
