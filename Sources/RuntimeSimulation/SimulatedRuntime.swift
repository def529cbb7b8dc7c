public import Runtime

/// A backend in which every run can be repeated: one thread, virtual time, a network in memory, and the order of
/// everything drawn from a seed.
///
/// A sleep takes no time: when nothing is ready, the clock jumps to the next time that somebody waits for. Whose turn it is
/// among those that are ready is drawn from the seed, and so is what goes wrong in the network (``FaultPlan``). The same
/// seed gives the same run, event for event. Everything that Swift runs comes along: child tasks, `Task { }`, actors,
/// `Task.sleep`, Swift's own clocks; the main actor does not.
///
/// ```swift
/// try await simulate(seeds: 1...10_000, faults: .rough) { runtime in
///   let server = try await Server(runtime: runtime, address: .loopback(port: 80), handler: router)
///   ...
/// }
/// ```
///
/// A runtime is one host of its simulation; ``host(_:skew:)`` makes more. What it is used for outside a simulation traps.
public final class SimulatedRuntime: AsyncRuntime {
  public let name = "simulated"
  public let workerCount = 1
  let simulation: Simulation
  let host: SimulatedHost

  /// The first host of a new simulation, which begins with ``run(_:)``.
  ///
  /// - Parameters:
  ///   - seed: decides all that is left to chance.
  ///   - faults: what goes wrong in the network.
  public convenience init(seed: UInt64, faults: FaultPlan = .none) {
    let simulation = Simulation(seed: seed, faults: faults, limits: SimulationLimits())
    self.init(simulation, simulation.network.addHost(nil, skew: ClockSkew()))
  }

  init(_ simulation: Simulation, _ host: SimulatedHost) {
    self.simulation = simulation
    self.host = host
  }

  // MARK: The simulation

  /// The seed of its simulation.
  public var seed: UInt64 { simulation.seed }

  /// The address of this host. `127.0.0.1` and `::1` are each host's own, too.
  public var address: IPv4Address { host.address }

  /// Another host of the same simulation, with an address, a clock and a network stack of its own.
  ///
  /// - Parameters:
  ///   - address: its address; one of `10.0.0.0/8` unless given.
  ///   - skew: how its clock differs from the simulation's.
  public func host(_ address: IPv4Address? = nil, skew: ClockSkew = ClockSkew()) -> SimulatedRuntime {
    simulation.assertCurrent()
    return SimulatedRuntime(simulation, simulation.network.addHost(address, skew: skew))
  }

  /// Gives a name to addresses, for all hosts of the simulation, in place of those that it had. The ports do not count; with
  /// no address, the name is forgotten.
  public func setAddresses(_ addresses: [SocketAddress], ofHost name: String) {
    simulation.assertCurrent()
    simulation.network.names[name] = addresses.isEmpty ? nil : addresses
  }

  /// What has gone wrong in the simulation's network so far, in the order of happening. What has befallen one connection,
  /// ``SimulatedStream/faults`` says.
  public var faults: [Fault] {
    simulation.assertCurrent()
    return simulation.network.faults.fired
  }

  /// Writes `text` into the run's trace, to be found there when the run fails.
  public func note(_ text: String) {
    simulation.assertCurrent()
    simulation.journal.record(.note(text, on: host))
  }

  /// What there is in the simulation just now, on all hosts: nothing is left of a test that has closed what it opened.
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

  /// The addresses that ``setAddresses(_:ofHost:)`` has given to the name; `localhost` has those of the loopback device.
  public func addresses(ofHost name: String, port: UInt16) async throws(IOError) -> [SocketAddress] {
    try host.checkOpen(.resolve)
    if let address = SocketAddress(host: name, port: port) { return [address] }
    guard let addresses = simulation.network.names[name] else {
      throw IOError(.resolve, causedBy: UnresolvedName(name, answer: "no host of the simulation has this name"))
    }
    return addresses.map { $0.withPort(port) }
  }

  /// Runs `work` on the simulation's thread, between two jobs: in no time of the simulation's, whatever it takes really. It
  /// must not wait for anything that happens in the simulation. As many calls may wait for their turn as the default
  /// ``BlockingLimits`` let run and wait.
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

  /// Ends this host: closes its listeners, streams and sockets for datagrams, ends its sleeps, and lets its tasks run to
  /// their end for as long as `grace`, in the simulation's time.
  public func shutdown(grace: Duration) async {
    simulation.assertCurrent()
    await host.shutdown(grace: grace)
  }
}

/// What there is in a simulation at one moment.
public struct SimulationInventory: Hashable, Sendable {
  /// Tasks that were started through a runtime and have not ended.
  public var tasks = 0
  /// Sleeps, and other things that are to happen at a time.
  public var timers = 0
  /// Listeners that are open.
  public var listeners = 0
  /// Ends of connections that are open.
  public var streams = 0
  /// Sockets for datagrams that are open.
  public var datagramSockets = 0
  /// Bytes of streams that have been sent and not read.
  public var unreadBytes = 0
  /// What each task that waits is waiting for, as in "task 3 reads from the client's end of connection 1".
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
