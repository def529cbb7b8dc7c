import Glibc
public import Runtime
import RuntimePrimitives

/// One end of a connection in a simulated network. It behaves as a TCP socket does, with the faults of its
/// ``FaultPlan``.
///
/// Use it from tasks of its simulation only. It closes when its last reference is released.
public final class SimulatedStream: ByteStream, @unchecked Sendable {  // Only the simulation's thread touches it.
  private let connection: SimulatedConnection
  let end: ConnectionEnd
  private let simulation: Simulation

  init(_ connection: SimulatedConnection, _ end: ConnectionEnd, _ simulation: Simulation) {
    self.connection = connection
    self.end = end
    self.simulation = simulation
  }

  deinit {
    // A stream that outlives its simulation needs no closing.
    if simulation.isCurrent { connection.close(end) }
  }

  /// The faults of this connection so far, at both ends and on the way, in their order. A test has to allow for them.
  ///
  /// If there are none, all wrong behaviour is a program's fault. A reset is in the list once it has happened. A
  /// partition is in it if data of the connection, or the attempt to connect, has waited for its end. What the test
  /// does itself, as with ``SimulatedLink/partition()``, is not in it.
  public var faults: [Fault] {
    simulation.assertCurrent()
    return connection.faults
  }

  /// Returns whether the next attempt to accept this connection finds no descriptor, after `count` attempts that did
  /// not.
  func failsToBeAccepted(_ count: Int) -> Bool {
    connection.fault(.acceptFailure, plan.acceptFailures, at: connection.acceptPlace(count)) != nil
  }

  /// Closes the stream with a reset.
  func abort() { connection.abort(end) }

  /// Returns whether the peer is still there (`PeerPresence`), as far as this end has learned, or whether there is data
  /// to read (`PendingInput`); `nil` for other attributes, and once the stream is closed.
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

  /// Returns whether there is nothing to read yet.
  private func mustWait() throws(IOError) -> Bool {
    simulation.assertCurrent()
    if end.isClosed { throw IOError(.read, .closed) }
    if end.reader?.isWaiting == true { throw IOError(.read, .busy) }
    return end.received.count == 0 && !end.hasPeerFinished
  }

  /// Moves the available bytes to `buffer`, or only some of them if there is a fault.
  private func receive(into buffer: inout OutputRawSpan, _ fault: Fault?) throws(IOError) -> Int {
    if end.received.count == 0, let code = end.pendingError.take() {
      simulation.journal.record(.failed(end))
      throw IOError(.read, .system(code))
    }
    var count = min(end.received.count, buffer.freeCapacity)
    if let fault, count > 1 { count = 1 + simulation.network.faults.amount(fault, upTo: count - 2) }
    end.received.popFirst(count, into: &buffer)
    simulation.journal.record(.read(end, count, after: end.readCount))
    end.readCount += count
    if count > 0 { connection.wakePeerWriter(of: end) }
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

  /// Writes some of the bytes after the first `offset`.
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

  /// The peer's address; `nil` once the stream is closed or the connection is reset.
  public var peerAddress: SocketAddress? { end.isClosed || end.isReset ? nil : end.peerAddress }

  /// This end's address; `nil` once the stream is closed.
  public var localAddress: SocketAddress? { end.isClosed ? nil : end.address }
}
