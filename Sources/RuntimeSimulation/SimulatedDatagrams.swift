public import Runtime
import RuntimePrimitives

/// A datagram socket in a simulated network. It behaves as UDP and Unix-domain sockets do on Linux, with the faults of
/// its ``FaultPlan``.
///
/// Use it from tasks of its simulation only. It closes when its last reference is released.
public final class SimulatedDatagrams: DatagramSocket, @unchecked Sendable {  // Only the simulation's thread uses it.
  private let end: DatagramEnd
  private let simulation: Simulation

  init(_ end: DatagramEnd, _ simulation: Simulation) {
    self.end = end
    self.simulation = simulation
  }

  deinit {
    // A socket that outlives its simulation needs no closing.
    if simulation.isCurrent { simulation.network.close(end) }
  }

  public var localAddress: SocketAddress { end.address }
  public var peerAddress: SocketAddress? { end.isClosed ? nil : end.peerAddress }

  public func connect(to address: SocketAddress) throws(IOError) {
    try checkOpen(.connect)
    try simulation.network.connect(end, to: address)
  }

  public func receive(into buffer: inout OutputRawSpan) async throws(IOError) -> DatagramReceipt {
    if end.turn.isOver() { await Task.yield() }
    while true {
      try checkOpen(.receive)
      if let datagram = end.popFirst() {
        for waiter in end.takeWaitingForRoom() { simulation.wake(waiter, .ready) }
        return deliver(datagram, into: &buffer)
      }
      if end.receiver?.isWaiting == true { throw IOError(.receive, .busy) }
      try await simulation.wait(on: end.host.number, for: .receive(end), { end.receiver = $0 }).check(.receive)
    }
  }

  private func deliver(_ datagram: DatagramEnd.QueuedDatagram, into buffer: inout OutputRawSpan) -> DatagramReceipt {
    let count = min(datagram.bytes.count, buffer.freeCapacity)
    var bytes = ByteQueue()
    bytes.append(datagram.bytes)
    bytes.popFirst(count, into: &buffer)
    simulation.journal.record(.received(end, count, from: datagram.sender, datagram.number))
    return DatagramReceipt(byteCount: count, sender: datagram.sender, isTruncated: count < datagram.bytes.count)
  }

  public func send(_ bytes: RawSpan, to address: SocketAddress) async throws(IOError) {
    try await send(bytes, toGiven: address)
  }

  public func send(_ bytes: RawSpan) async throws(IOError) {
    try await send(bytes, toGiven: nil)
  }

  private func send(_ bytes: RawSpan, toGiven address: SocketAddress?) async throws(IOError) {
    if end.turn.isOver() { await Task.yield() }
    while true {
      try checkOpen(.send)
      guard let full = try simulation.network.send(bytes, from: end, to: address) else { return }
      if end.sender?.isWaiting == true { throw IOError(.send, .busy) }
      try await simulation.wait(on: end.host.number, for: .send(end)) { waiter in
        end.sender = waiter
        full.waitingForRoom.append(waiter)
      }.check(.send)
    }
  }

  /// Throws if the socket is closed or has an error to report.
  private func checkOpen(_ operation: IOError.Operation) throws(IOError) {
    simulation.assertCurrent()
    if end.isClosed { throw IOError(operation, .closed) }
    if operation != .connect, let code = end.pendingError.take() { throw IOError(operation, .system(code)) }
  }

  public func close() {
    simulation.perform { [self] in simulation.network.close(end) }
  }
}
