/// Connects to the first of a host's addresses that answers (RFC 8305, "Happy Eyeballs").
package struct ConnectionRace<C: Clock<Duration>, Stream: ByteStream>: Sendable {
  private let clock: C
  private let connect: @Sendable (SocketAddress) async throws(IOError) -> Stream

  /// The delay before the next attempt starts in parallel (RFC 8305 section 5).
  private static var delay: Duration { .milliseconds(250) }

  package init(clock: C, connect: @escaping @Sendable (SocketAddress) async throws(IOError) -> Stream) {
    self.clock = clock
    self.connect = connect
  }

  private enum Event: Sendable {
    case connected(Stream)
    case failed(UnreachableHost.Attempt)
    /// The delay after the attempt with this number has passed.
    case isLate(Int)
  }

  /// Connects to host `name`, at one of `addresses`.
  package func connect(to name: String, at addresses: [SocketAddress]) async throws(IOError) -> Stream {
    let result = await withTaskGroup(of: Event.self) { group -> Result<Stream, IOError> in
      var waiting = Self.interleaved(addresses)[...]
      var failures: [UnreachableHost.Attempt] = []
      var started = 0
      var mayStart = true
      while true {
        if mayStart, !Task.isCancelled, let address = waiting.popFirst() {
          started += 1
          startAttempt(started, at: address, isLast: waiting.isEmpty, &group)
        }
        mayStart = false
        guard failures.count < started, let event = await group.next() else { break }
        switch event {
        case .connected(let stream):
          group.cancelAll()
          for await case .connected(let late) in group { late.close() }
          return .success(stream)
        case .failed(let attempt):
          failures.append(attempt)
          mayStart = true
        case .isLate(let number):
          mayStart = number == started
        }
      }
      group.cancelAll()
      if Task.isCancelled { return .failure(IOError(.connect, .cancelled)) }
      let reason = failures.last?.error.reason ?? .foreign
      return .failure(IOError(.connect, reason, causedBy: UnreachableHost(name: name, attempts: failures)))
    }
    return try result.get()
  }

  private func startAttempt(
    _ number: Int, at address: SocketAddress, isLast: Bool, _ group: inout TaskGroup<Event>
  ) {
    group.addTask { [self] in
      do throws(IOError) {
        return .connected(try await connect(address))
      } catch {
        return .failed(UnreachableHost.Attempt(address: address, error: error))
      }
    }
    if isLast { return }
    group.addTask { [clock] in
      try? await clock.sleep(for: Self.delay)
      return .isLate(number)
    }
  }

  /// Returns the addresses with alternating families, beginning with that of the first address (RFC 8305 section 4).
  package static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
    let first = addresses.filter { $0.family == addresses.first?.family }
    let others = addresses.filter { $0.family != addresses.first?.family }
    let pairs = zip(first, others).flatMap { [$0, $1] }
    return pairs + first.dropFirst(others.count) + others.dropFirst(first.count)
  }
}
