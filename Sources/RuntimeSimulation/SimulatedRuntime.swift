public import Runtime

/// A runtime whose every run can be repeated: one thread, virtual time, a network in memory, and an order of events
/// drawn from a seed.
///
/// A sleep takes no real time: when no task is ready, the clock jumps to the next time that a task waits for. The seed
/// decides which of the ready tasks runs next, and what goes wrong in the network (``FaultPlan``). Runs with the same
/// seed are equal, event for event. Everything that Swift runs is part of the simulation: child tasks, `Task { }`,
/// actors, `Task.sleep`, Swift's own clocks. The exception is the main actor.
///
/// ```swift
/// try await simulate(seeds: 1...10_000, faults: .rough) { runtime in
///   let server = try await Server(runtime: runtime, address: .loopback(port: 80), handler: router)
///   ...
/// }
/// ```
///
/// Each runtime is one host of its simulation; ``host(_:skew:)`` adds hosts. Using a runtime outside its simulation
/// traps.
public final class SimulatedRuntime: AsyncRuntime {
  public let name = "simulated"
  public let workerCount = 1
  let simulation: Simulation
  let host: SimulatedHost

  /// Creates a simulation and its first host. The simulation begins with ``run(_:)``.
  ///
  /// - Parameters:
  ///   - seed: decides everything random.
  ///   - faults: what goes wrong, and how often.
  public convenience init(seed: UInt64, faults: FaultPlan = .none) {
    let simulation = Simulation(seed: seed, faults: faults, limits: SimulationLimits())
    self.init(simulation, simulation.network.addHost(nil, skew: ClockSkew()))
  }

  init(_ simulation: Simulation, _ host: SimulatedHost) {
    self.simulation = simulation
    self.host = host
  }

  // MARK: The simulation

  /// The seed of the simulation.
  public var seed: UInt64 { simulation.seed }

  /// The address of this host. `127.0.0.1` and `::1` are addresses of every host too, each host's own.
  public var address: IPv4Address { host.address }

  /// Adds a host to the simulation, with an address, a clock and a network stack of its own, and returns its runtime.
  ///
  /// - Parameters:
  ///   - address: the host's address; by default one of `10.0.0.0/8`.
  ///   - skew: the difference of the host's clock from the simulation's.
  public func host(_ address: IPv4Address? = nil, skew: ClockSkew = ClockSkew()) -> SimulatedRuntime {
    simulation.assertCurrent()
    return SimulatedRuntime(simulation, simulation.network.addHost(address, skew: skew))
  }

  /// Sets the addresses of a host name, for all hosts of the simulation, in place of earlier ones. Their ports are
  /// ignored. With no addresses, the name is removed.
  ///
  /// - Parameters:
  ///   - addresses: the addresses that resolving the name gives.
  ///   - name: the host name.
  public func setAddresses(_ addresses: [SocketAddress], ofHost name: String) {
    simulation.assertCurrent()
    simulation.network.names[name] = addresses.isEmpty ? nil : addresses
  }

  /// The faults of the simulation so far, in their order. For those of one connection, see ``SimulatedStream/faults``.
  public var faults: [Fault] {
    simulation.assertCurrent()
    return simulation.network.faults.fired
  }

  /// Writes `text` to the run's trace.
  public func note(_ text: String) {
    simulation.assertCurrent()
    simulation.journal.record(.note(text, on: host))
  }

  /// What exists in the simulation now, on all hosts. It is empty after a test that has closed what it opened.
  public var inventory: SimulationInventory {
    simulation.assertCurrent()
    return SimulationInventory(simulation)
  }

  // MARK: AsyncRuntime

  public var clock: SimulatedClock { SimulatedClock(host: host, simulation: simulation) }
  public var taskExecutor: (any TaskExecutor)? { simulation }

  @discardableResult
  public func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    host.spawn(options, operation)
  }

  public func listen(on address: SocketAddress, options: ListenOptions) async throws(IOError) -> SimulatedListener {
    try host.checkOpen(.listen)
    let socket = SimulatedListener.Socket(host: host, options: options)
    let address = try simulation.network.listen(socket, on: address)
    simulation.journal.record(.listened(address, on: host))
    return SimulatedListener(socket, at: address, simulation)
  }

  public func connect(to address: SocketAddress, options: ConnectOptions) async throws(IOError) -> SimulatedStream {
    try host.checkOpen(.connect)
    return try await simulation.connect(from: host, to: address, options)
  }

  public func bindDatagrams(
    on address: SocketAddress, options: DatagramOptions
  ) async throws(IOError) -> SimulatedDatagrams {
    try host.checkOpen(.bind)
    return SimulatedDatagrams(try simulation.network.bind(address, on: host, options), simulation)
  }

  /// Returns the addresses set by ``setAddresses(_:ofHost:)``; for `localhost`, those of the loopback device.
  ///
  /// - Throws: ``IOError`` of `resolve`, if the name is not known or the host is shut down.
  public func addresses(ofHost name: String, port: UInt16) async throws(IOError) -> [SocketAddress] {
    try host.checkOpen(.resolve)
    if let address = SocketAddress(host: name, port: port) { return [address] }
    guard let addresses = simulation.network.names[name] else {
      throw IOError(.resolve, causedBy: UnresolvedName(name, answer: "no host of the simulation has this name"))
    }
    return addresses.map { $0.withPort(port) }
  }

  /// Runs `work` on the simulation's thread, between two jobs. It takes no simulated time, however long it takes in
  /// real time. It must not wait for anything that happens in the simulation. The default ``BlockingLimits`` bound the
  /// calls that may run and wait.
  public func runBlocking<Success: Sendable>(
    _ work: sending @escaping () throws -> Success
  ) async throws -> Success {
    simulation.assertCurrent()
    return try await simulation.runBlocking(on: host, work)
  }

  public var metrics: RuntimeMetrics {
    simulation.assertCurrent()
    var metrics = RuntimeMetrics()
    metrics.tasks = host.taskCount
    metrics.queueDepths = [simulation.readyCount]
    var worker = WorkerMetrics()
    worker.jobs = simulation.jobCount
    metrics.workers = [worker]
    metrics.blockingQueueDepth = host.incarnation.blockingCount
    metrics.refusedBlockingCalls = host.incarnation.refusedBlockingCalls
    return metrics
  }

  /// Shuts this host down: closes its listeners, streams and datagram sockets, ends its sleeps, and waits until its
  /// tasks have ended or `grace` has passed in simulated time.
  public func shutdown(grace: Duration) async {
    simulation.assertCurrent()
    await host.shutdown(grace: grace)
  }
}

/// A count of what exists in a simulation at one moment.
public struct SimulationInventory: Hashable, Sendable {
  /// Tasks that were started through a runtime and have not ended.
  public var tasks = 0
  /// Timers: sleeps, and other events that are due at a time.
  public var timers = 0
  /// Open listeners.
  public var listeners = 0
  /// Open ends of connections.
  public var streams = 0
  /// Open datagram sockets.
  public var datagramSockets = 0
  /// Bytes of streams that have been sent and not read.
  public var unreadBytes = 0
  /// What each waiting task is waiting for, as in "task 3 reads from the client's end of connection 1".
  public var waits: [String] = []

  init(_ simulation: Simulation) {
    let ends = simulation.network.ends
    tasks = simulation.network.taskCount
    timers = simulation.timers.count
    listeners = simulation.network.listenerCount
    streams = ends.count
    datagramSockets = simulation.network.datagramEnds.count
    unreadBytes = ends.reduce(0) { $0 + $1.backlog }
    waits = simulation.waits
  }
}
