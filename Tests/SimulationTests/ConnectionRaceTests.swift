import Runtime
import RuntimeSimulation
import RuntimeTesting
import Synchronization
import Testing

/// Connecting to a host with several addresses, in virtual time.
@Suite struct ConnectionRaceTests {
  private static let addresses: [SocketAddress] = (1...3).map { .ipv4(IPv4Address(10, 0, 0, $0), port: 80) }

  /// The result of an attempt, and the time that it takes.
  private enum Fate: Sendable {
    case connects(after: Duration), isRefused(after: Duration), isSilent
  }

  /// What happened in a race.
  private final class Log: Sendable {
    /// When each attempt began.
    let starts = Mutex<[(SocketAddress, Duration)]>([])
    let cancelled = Mutex<[SocketAddress]>([])
    let far = Mutex<[SocketAddress: MemoryStream]>([:])
  }

  /// Races for the three addresses, whose attempts have the given fates.
  ///
  /// - Returns: the connected end or the error, what happened, and how long it took.
  private func race(
    on runtime: SimulatedRuntime, _ fates: [Fate]
  ) async -> (result: Result<MemoryStream, IOError>, log: Log, time: Duration) {
    let log = Log()
    let clock = runtime.clock
    let start = clock.now
    let race = ConnectionRace(clock: clock) { (address) async throws(IOError) -> MemoryStream in
      log.starts.withLock { $0.append((address, start.duration(to: clock.now))) }
      let fate = Self.addresses.firstIndex(of: address).map { fates[$0] } ?? .isSilent
      let (time, isRefused): (Duration, Bool) =
        switch fate {
        case .connects(let time): (time, false)
        case .isRefused(let time): (time, true)
        case .isSilent: (.seconds(127), true)
        }
      do {
        try await clock.sleep(for: time)
      } catch {
        log.cancelled.withLock { $0.append(address) }
        throw IOError(.connect, .cancelled)
      }
      if isRefused { throw IOError(.connect, .system(111)) }
      let (near, far) = MemoryStream.pair()
      log.far.withLock { $0[address] = far }
      return near
    }
    do throws(IOError) {
      let stream = try await race.connect(to: "host", at: Self.addresses)
      return (.success(stream), log, start.duration(to: clock.now))
    } catch {
      return (.failure(error), log, start.duration(to: clock.now))
    }
  }

  private func starts(_ log: Log) -> [Duration] { log.starts.withLock { $0.map(\.1) } }

  @Test func `An address that answers in time is the only one that is tried`() async throws {
    try await simulate(seeds: 1...20) { runtime in
      let (result, log, time) = await race(on: runtime, [.connects(after: .milliseconds(249)), .isSilent, .isSilent])
      #expect(throws: Never.self) { try result.get() }
      #expect(starts(log) == [.zero])
      #expect(time == .milliseconds(249))
    }
  }

  @Test func `Beside an address that is silent the next is tried, and the others are given up`() async throws {
    try await simulate(seeds: 1...20) { runtime in
      let (result, log, time) = await race(on: runtime, [.isSilent, .connects(after: .milliseconds(100)), .isSilent])
      let stream = try result.get()
      #expect(starts(log) == [.zero, .milliseconds(250)])
      #expect(time == .milliseconds(350))
      #expect(log.cancelled.withLock { $0 } == [Self.addresses[0]])
      let far = try #require(log.far.withLock { $0[Self.addresses[1]] })
      try await far.write("x")
      #expect(try await stream.read() == Array("x".utf8))
    }
  }

  @Test func `After an address that refuses the next is tried at once`() async throws {
    try await simulate(seeds: 1...20) { runtime in
      let (result, log, time) = await race(
        on: runtime,
        [
          .isRefused(after: .milliseconds(10)), .isRefused(after: .milliseconds(10)),
          .connects(after: .milliseconds(300)),
        ])
      #expect(throws: Never.self) { try result.get() }
      #expect(starts(log) == [.zero, .milliseconds(10), .milliseconds(20)])
      #expect(time == .milliseconds(320))
    }
  }

  @Test func `If all addresses fail, the error has each failure, in their order`() async throws {
    try await simulate(seeds: 1...20) { runtime in
      let (result, _, time) = await race(
        on: runtime, [.isSilent, .isRefused(after: .seconds(1)), .isRefused(after: .seconds(2))])
      let error = try #require(throws: IOError.self) { try result.get() }
      #expect(error == IOError(.connect, .system(111)))
      let failures = try #require(error.cause as? UnreachableHost)
      #expect(failures.attempts.map(\.address) == [1, 2, 0].map { Self.addresses[$0] })
      #expect("\(error)".contains("(\"host\" at 10.0.0.2:80: Connection refused (errno 111), at 10.0.0.3:80: "))
      #expect(time == .seconds(127))
    }
  }

  @Test func `If two addresses answer at the same moment, one connection is closed`() async throws {
    let exploration = try await explore { runtime in
      let (result, log, _) = await race(
        on: runtime, [.connects(after: .milliseconds(300)), .connects(after: .milliseconds(50)), .isSilent])
      let stream = try result.get()
      let ends = log.far.withLock { Array($0.values) }
      var open = 0
      for far in ends where try far.tryRead() == nil { open += 1 }
      #expect(open == 1)
      stream.close()
    }
    #expect(exploration.isComplete)
  }

  @Test func `Cancelling ends all attempts, and begins none`() async throws {
    try await simulate(seeds: 1...20) { runtime in
      let racing = runtime.spawn { await race(on: runtime, [.isSilent, .isSilent, .connects(after: .zero)]) }
      try await runtime.clock.sleep(for: .milliseconds(300))
      racing.cancel()
      let (result, log, time) = try await racing.value
      #expect(throws: IOError(.connect, .cancelled)) { try result.get() }
      #expect(starts(log).count == 2)
      #expect(time == .milliseconds(300))
      #expect(Set(log.cancelled.withLock { $0 }) == Set(Self.addresses.prefix(2)))
    }
  }

  @Test func `Families are tried by turns, that of the first address first`() {
    func address(_ name: String) -> SocketAddress {
      let number = UInt8(name.dropFirst()) ?? 0
      return name.hasPrefix("4")
        ? .ipv4(IPv4Address(10, 0, 0, number), port: 1) : .ipv6(IPv6Address(bits: UInt128(number)), port: 1)
    }
    for (given, expected) in [
      ("61 62 63 41 42", "61 41 62 42 63"), ("41 61 62 63", "41 61 62 63"), ("41 42 43 61", "41 61 42 43"),
      ("41 42", "41 42"), ("", ""),
    ] {
      let addresses = given.split(separator: " ").map { address(String($0)) }
      let order = ConnectionRace<ContinuousClock, MemoryStream>.interleaved(addresses)
      #expect(order == expected.split(separator: " ").map { address(String($0)) })
    }
  }

  @Test func `A simulation has names, which may change`() async throws {
    try await simulate(seeds: 1...20) { runtime in
      let server = runtime.host()
      runtime.setAddresses([.ipv4(IPv4Address(10, 9, 9, 9), port: 0), .ipv4(server.address, port: 0)], ofHost: "db")
      let listener = try await server.listen(on: .ipv4(server.address, port: 5432))
      let near = try await runtime.connect(toHost: "db", port: 5432)
      #expect(near.peerAddress == .ipv4(server.address, port: 5432))
      runtime.setAddresses([], ofHost: "db")
      await #expect(throws: IOError(.resolve, .foreign)) { try await runtime.connect(toHost: "db", port: 5432) }
      near.close()
      listener.close()
    }
  }
}
