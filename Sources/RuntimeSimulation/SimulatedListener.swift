import Glibc
public import Runtime
import RuntimePrimitives

/// A listener in a simulated network.
public final class SimulatedListener: StreamListener, @unchecked Sendable {  // Only the simulation's thread uses it.
  /// The address of the listener. Port 0 is replaced by the port that was chosen.
  public let localAddress: SocketAddress
  private let socket: Socket
  private let simulation: Simulation

  /// The network's side of a listener.
  final class Socket: @unchecked Sendable {  // As above.
    let host: SimulatedHost
    let options: ListenOptions
    /// Connections that have not been accepted yet.
    var backlog: [SimulatedStream] = []
    /// Connection attempts that wait for room in the backlog.
    var connecting: [Waiter] = []
    var accepting: Waiter?
    var isClosed = false

    init(host: SimulatedHost, options: ListenOptions) {
      self.host = host
      self.options = options
    }

    var isFull: Bool { backlog.count >= max(1, Int(options.backlog)) }
  }

  init(_ socket: Socket, at address: SocketAddress, _ simulation: Simulation) {
    self.socket = socket
    self.localAddress = address
    self.simulation = simulation
  }

  deinit {
    if simulation.isCurrent { Self.close(socket, localAddress, simulation) }
  }

  /// How long `accept` waits for a free descriptor before it tries again.
  private static let pause = Duration.milliseconds(20)

  public func accept() async throws(IOError) -> SimulatedStream {
    simulation.assertCurrent()
    while true {
      if socket.isClosed { throw IOError(.accept, .closed) }
      if socket.accepting?.isWaiting == true { throw IOError(.accept, .busy) }
      if let stream = try await takeConnection() { return stream }
      try await wait(for: nil)
    }
  }

  /// Returns the first connection of the backlog, once there is a descriptor for it; `nil` if the backlog is empty.
  private func takeConnection() async throws(IOError) -> SimulatedStream? {
    var failures = 0
    while let stream = socket.backlog.first {
      // A hundred failures in a row at most: a chance of 1 must not loop without end.
      if failures == 100 || !stream.failsToBeAccepted(failures) {
        socket.backlog.removeFirst()
        if !socket.connecting.isEmpty { simulation.wake(socket.connecting.removeFirst(), .ready) }
        simulation.journal.record(.accepted(stream.end))
        return stream
      }
      failures += 1
      socket.options.onShortage?(IOError(.accept, .system(EMFILE)))
      try await wait(for: Self.pause)
      if socket.isClosed { throw IOError(.accept, .closed) }
    }
    return nil
  }

  private func wait(for pause: Duration?) async throws(IOError) {
    let deadline = pause.map { simulation.now + $0.nanoseconds }
    let wake = await simulation.wait(on: socket.host.number, for: .accept(localAddress), until: deadline) {
      // A new connection does not wake a task that waits for a descriptor.
      if pause == nil { socket.accepting = $0 }
    }
    try wake.check(.accept)
  }

  /// Stops listening. A task that waits in ``accept()`` gets ``IOError/Reason/closed``, and connections in the backlog
  /// are reset. Closing again does nothing.
  public func close() {
    simulation.perform { [socket, localAddress, simulation] in Self.close(socket, localAddress, simulation) }
  }

  static func close(_ socket: Socket, _ address: SocketAddress, _ simulation: Simulation) {
    guard !socket.isClosed else { return }
    socket.isClosed = true
    simulation.network.remove(socket, at: address)
    for stream in socket.backlog { stream.abort() }
    socket.backlog = []
    for waiter in socket.connecting { simulation.wake(waiter, .ready) }
    socket.connecting = []
    simulation.wake(socket.accepting, .closed)
  }
}
