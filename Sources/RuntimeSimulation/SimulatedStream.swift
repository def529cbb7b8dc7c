import Glibc
public import Runtime
import RuntimePrimitives

/// A connection's end in a simulated network: a ``ByteStream`` that behaves as a TCP socket does, and as badly as its
/// ``FaultPlan`` says.
///
/// It is used from tasks of its simulation alone, and is closed when the last reference to it goes.
public final class SimulatedStream: ByteStream, @unchecked Sendable {  // The simulation's thread alone touches it.
  private let connection: SimulatedConnection
  let end: ConnectionEnd
  private let simulation: Simulation

  init(_ connection: SimulatedConnection, _ end: ConnectionEnd, _ simulation: Simulation) {
    self.connection = connection
    self.end = end
    self.simulation = simulation
  }

  deinit {
    // Those that are left when a simulation is over go with it.
    if simulation.isCurrent { connection.close(end) }
  }

  /// What has gone wrong with this connection so far, at either of its ends and on the way, in the order of happening: what
  /// a test has to allow for.
  ///
  /// On a connection with none of it, whatever is not as it should be is the doing of a program. A reset is there once it
  /// has happened; a partition if anything of the connection, or the attempt to make it, has waited for its end. What a test
  /// does itself, as by ``SimulatedLink/partition()``, is not there.
  public var faults: [Fault] {
    simulation.assertCurrent()
    return connection.faults
  }

  /// Whether the next `accept` finds no descriptor for it, after `count` that have not.
  func failsToBeAccepted(_ count: Int) -> Bool {
    connection.fault(.acceptFailure, plan.acceptFailures, at: connection.acceptPlace(count)) != nil
  }

  /// Closes the stream so that the peer finds it reset.
  func abort() { connection.abort(end) }

  /// Whether the other end is there still (`PeerPresence`), as far as word of it has arrived, and whether there is
  /// something to read (`PendingInput`).
  public func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? {
    if end.isClosed { return nil }
    if type == PendingInput.self { return PendingInput(isThere: end.received.count > 0) as? Attribute }
    guard type == PeerPresence.self else { return nil }
    let presence: PeerPresence = end.isReset ? .gone : end.hasPeerFinished ? .finished : .present
    return presence as? Attribute
  }

  private var plan: FaultPlan { simulation.network.faults.plan }

  // MARK: Reading

  public func waitUntilReadable() async throws(IOError) { try await waitUntilReadable(heedsCancellation: true) }

  public func waitUntilReadableOrClosed() async throws(IOError) {
    try await waitUntilReadable(heedsCancellation: false)
  }

  private func waitUntilReadable(heedsCancellation: Bool) async throws(IOError) {
    while try mustWait() {
      let wake = await simulation.wait(
        on: end.host, for: .read(end), heedsCancellation: heedsCancellation, { end.reader = $0 })
      try wake.check(.read)
    }
  }

  public func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    guard buffer.freeCapacity > 0 else { return 0 }
    if end.turn.isOver() { await Task.yield() }
    try await waitUntilReadable()
    let share = connection.fault(.shortRead, plan.shortReads, at: end)
    return try receive(into: &buffer, share)
  }

  public func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int? {
    guard buffer.freeCapacity > 0 else { return 0 }
    if try mustWait() || connection.fault(.shortRead, plan.shortReads, at: end) != nil { return nil }
    return try receive(into: &buffer, nil)
  }

  /// Whether there is nothing to read yet.
  private func mustWait() throws(IOError) -> Bool {
    simulation.assertCurrent()
    if end.isClosed { throw IOError(.read, .closed) }
    if end.reader?.isWaiting == true { throw IOError(.read, .busy) }
    return end.received.count == 0 && !end.hasPeerFinished
  }

  /// Takes what there is, or what a fault leaves of it.
  private func receive(into buffer: inout OutputRawSpan, _ fault: Fault?) throws(IOError) -> Int {
    if end.received.count == 0, let code = end.pendingError.take() {
      simulation.journal.record(.failed(end))
      throw IOError(.read, .system(code))
    }
    var count = min(end.received.count, buffer.freeCapacity)
    if let fault, count > 1 { count = 1 + simulation.network.faults.amount(fault, upTo: count - 2) }
    end.received.take(count, into: &buffer)
    simulation.journal.record(.read(end, count, after: end.readCount))
    end.readCount += count
    if count > 0 { connection.hasRead(at: end) }
    return count
  }

  // MARK: Writing

  public func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int {
    if end.turn.isOver() { await Task.yield() }
    return try await writeSome(bytes, RawSpan(), from: 0)
  }

  public func write(_ bytes: RawSpan) async throws(IOError) {
    try await write(bytes, RawSpan())
  }

  public func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError) {
    if end.turn.isOver() { await Task.yield() }
    var written = 0
    repeat {
      written += try await writeSome(first, second, from: written)
    } while written < first.byteCount + second.byteCount
  }

  /// Writes some of what comes after the first `offset` bytes.
  private func writeSome(_ first: RawSpan, _ second: RawSpan, from offset: Int) async throws(IOError) -> Int {
    let total = first.byteCount + second.byteCount - offset
    while true {
      try checkWritable()
      if total == 0 { return 0 }
      if let fault = connection.fault(.fullBuffer, plan.fullBuffers, at: end) {
        let pause = simulation.network.faults.amount(fault, upTo: Int(plan.longestDelay.nanoseconds))
        end.fullUntil = simulation.now + Int64(pause)
      }
      var count = min(connection.room(for: end), total)
      if count > 1, let fault = connection.fault(.shortWrite, plan.shortWrites, at: end) {
        count = 1 + simulation.network.faults.amount(fault, upTo: count - 2)
      }
      if count > 0 {
        send(first, second, from: offset, count)
        return count
      }
      let until = end.fullUntil > simulation.now ? end.fullUntil : nil
      try await simulation.wait(on: end.host, for: .write(end), until: until, { end.writer = $0 }).check(.write)
    }
  }

  public func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int {
    try checkWritable()
    var count = min(connection.room(for: end), bytes.byteCount)
    if count > 0, let fault = connection.fault(.shortWrite, plan.shortWrites, at: end) {
      count = simulation.network.faults.amount(fault, upTo: count - 1)
    }
    if count > 0 { send(bytes, RawSpan(), from: 0, count) }
    return count
  }

  private func checkWritable() throws(IOError) {
    simulation.assertCurrent()
    if end.isClosed { throw IOError(.write, .closed) }
    if end.writer?.isWaiting == true { throw IOError(.write, .busy) }
    if let code = end.pendingError.take() {
      simulation.journal.record(.failed(end))
      throw IOError(.write, .system(code))
    }
    if end.hasFinished || end.isReset { throw IOError(.write, .system(EPIPE)) }
  }

  private func send(_ first: RawSpan, _ second: RawSpan, from offset: Int, _ count: Int) {
    let a = first.extracting(droppingFirst: min(offset, first.byteCount)).extracting(first: count)
    let b = second.extracting(droppingFirst: max(0, offset - first.byteCount)).extracting(first: count - a.byteCount)
    let bytes = a.withUnsafeBytes { a in b.withUnsafeBytes { b in Array(a) + b } }
    simulation.journal.record(.wrote(end, count, after: end.sentCount))
    connection.send(bytes, from: end)
  }

  // MARK: Ending

  public func shutdownWrite() throws(IOError) {
    simulation.assertCurrent()
    if end.isClosed { throw IOError(.shutdown, .closed) }
    guard !end.hasFinished, !end.isReset else { return }
    end.hasFinished = true
    simulation.journal.record(.finished(end))
    connection.sendEnd(from: end)
    simulation.wake(end.writer, .ready)
  }

  public func close() {
    simulation.perform { [self] in
      guard !end.isClosed else { return }
      simulation.journal.record(.closed(end))
      connection.close(end)
    }
  }

  /// The other end's address; `nil` once the stream is closed or the peer has gone.
  public var peerAddress: SocketAddress? { end.isClosed || end.isReset ? nil : end.peerAddress }

  /// This end's address; `nil` once the stream is closed.
  public var localAddress: SocketAddress? { end.isClosed ? nil : end.address }
}
