import Glibc
public import Runtime
import RuntimePrimitives

/// A listener in a simulated network.
public final class SimulatedListener: StreamListener, @unchecked Sendable {  // The simulation's thread alone uses it.
  /// The address it listens on, with the port that was chosen where port 0 was asked for.
  public let localAddress: SocketAddress
  private let socket: Socket
  private let simulation: Simulation

  /// What the network knows of a listener.
  final class Socket: @unchecked Sendable {  // As above.
    let host: SimulatedHost
    let options: ListenOptions
    /// Connections that nobody has accepted yet.
    var backlog: [SimulatedStream] = []
    /// Those that wait for room in it.
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

  /// How long to wait for somebody to give a descriptor back.
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

  /// The first in the backlog, once there is a descriptor for it.
  private func takeConnection() async throws(IOError) -> SimulatedStream? {
    var failures = 0
    while let stream = socket.backlog.first {
      // As many failures in a row as one has to be unlucky for; a chance of 1 must not go on for ever.
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
      // One that waits for a descriptor is not to be woken by a connection.
      if pause == nil { socket.accepting = $0 }
    }
    try wake.check(.accept)
  }

  /// Stops listening. Whoever waits in ``accept()`` gets ``IOError/Reason/closed``; connections that nobody has accepted
  /// are reset. Closing again does nothing.
  public func close() {
    simulation.perform { [socket, localAddress, simulation] in Self.close(socket, localAddress, simulation) }
  }

  static func close(_ socket: Socket, _ address: SocketAddress, _ simulation: Simulation) {
    guard !socket.isClosed else { return }
    socket.isClosed = true
    simulation.network.forget(socket, at: address)
    for stream in socket.backlog { stream.abort() }
    socket.backlog = []
    for waiter in socket.connecting { simulation.wake(waiter, .ready) }
    socket.connecting = []
    simulation.wake(socket.accepting, .closed)
  }
}
