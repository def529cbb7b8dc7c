import Glibc
import Runtime
import RuntimePrimitives

/// The hosts of a simulation, and the network between them.
final class SimulatedNetwork {
  unowned let simulation: Simulation
  var faults: FaultDice

  private(set) var hosts: [SimulatedHost] = []
  private var listeners: [Place: [SimulatedListener.Socket]] = [:]
  private var connectionCount = 0
  /// The open ends, by connection and side.
  private var openEnds: [Int: (end: ConnectionEnd, connection: SimulatedConnection)] = [:]
  /// The open datagram sockets, in the order of binding.
  var datagramEnds: [DatagramEnd] = []
  /// The number of datagram sockets that have ever been asked for.
  var datagramSocketCount = 0
  /// The number of datagrams that have been sent.
  var datagramCount = 0
  /// The addresses of host names. Their ports are ignored.
  var names: [String: [SocketAddress]] = [
    "localhost": [.ipv6(.loopback, port: 0), .ipv4(.loopback, port: 0)]
  ]
  /// The state that a test has set for links between hosts.
  var links: [LinkDirection: LinkState] = [:]

  /// A place to listen: an address on a host.
  private struct Place: Hashable {
    let host: Int
    let address: SocketAddress

    /// A key that sorts places in the same order in every run.
    var text: String { "\(host) \(address)" }
  }

  init(simulation: Simulation, faults: FaultDice) {
    self.simulation = simulation
    self.faults = faults
  }

  var now: Int64 { simulation.now }

  func wake(_ waiter: Waiter?) { simulation.wake(waiter, .ready) }
  func close(_ waiter: Waiter?) { simulation.wake(waiter, .closed) }
  func schedule(at time: Int64, _ body: @escaping () -> Void) { simulation.timers.insert(at: time, .event(body)) }

  // MARK: Faults

  /// Draws whether a fault happens at `place`, and records it if so.
  ///
  /// - Parameter connection: the number of the connection that has the fault, if there is one.
  func fault(
    _ kind: Fault.Kind, _ chance: Double, at place: Fault.Place, of connection: Int = 0, inFile file: DiskFile? = nil
  ) -> Fault? {
    let fault = faults.drawFault(kind, chance, at: place, of: connection, inFile: file?.description)
    if let fault { simulation.journal.record(.fault(fault)) }
    return fault
  }

  /// Returns when a piece of data that is sent now arrives.
  func arrivalTime(on connection: SimulatedConnection, from end: ConnectionEnd, at place: Fault.Place) -> Int64 {
    let other = connection.peer(of: end)
    guard end.host != other.host else { return now }
    var time = now + latency(from: end.host, to: other.host, at: place)
    time += retransmission(
      from: end.host, to: other.host, at: place, of: connection.number, connection.record)
    if let fault = connection.fault(.delay, faults.plan.delays, at: place) {
      time += Int64(faults.amount(fault, upTo: Int(faults.plan.longestDelay.nanoseconds)))
    }
    return firstPassableTime(from: end.host, to: other.host, at: time, connection.record)
  }

  /// Returns the first time from `time` on at which no fault partitions the two hosts.
  ///
  /// - Parameter record: called for each partition until then.
  func firstPassableTime(from a: Int, to b: Int, at time: Int64, _ record: (Fault) -> Void = { _ in }) -> Int64 {
    let plan = faults.plan
    let period = plan.partitionPeriod.nanoseconds
    guard plan.partitions > 0, period > 0 else { return time }
    let pair = min(a, b) << 16 | max(a, b)
    var time = time
    // A thousand periods in a row at most: a chance of 1 must not loop without end.
    for _ in 0..<1000 {
      let number = Int(time / period)
      let place = Fault.Place(owner: pair, occasion: number)
      guard let fault = fault(.partition, plan.partitions, at: place) else { break }
      record(fault)
      time = Int64(number + 1) * period
    }
    return time
  }

  // MARK: Hosts

  func addHost(_ address: IPv4Address?, skew: ClockSkew) -> SimulatedHost {
    let number = hosts.count + 1
    // 10.0.0.0/8 has more addresses than a simulation needs.
    let address = address ?? IPv4Address(bits: 10 << 24 | UInt32(number))
    precondition(!hosts.contains { $0.address == address }, "two hosts have the address \(address)")
    let host = SimulatedHost(number: number, address: address, skew: skew, simulation: simulation)
    hosts.append(host)
    return host
  }

  /// The number of tasks that were started on hosts and have not ended.
  var taskCount: Int { hosts.reduce(0) { $0 + $1.taskCount } }

  /// Returns the host to which an address belongs, as seen from `host`.
  func host(of address: SocketAddress, from host: SimulatedHost) -> SimulatedHost? {
    switch address {
    case .unix: host
    case .ipv6(let address, _, _): address == .loopback || address == .any ? host : nil
    case .ipv4(let address, _):
      address.bits >> 24 == 127 || address == .any ? host : hosts.first { $0.address == address }
    }
  }

  // MARK: Listening

  /// Makes `socket` listen on `address`, or on a free port if its port is 0.
  ///
  /// - Returns: the address with its port.
  func listen(_ socket: SimulatedListener.Socket, on address: SocketAddress) throws(IOError) -> SocketAddress {
    let host = socket.host
    switch address {
    case .unix(let path):
      if path.isEmpty { throw IOError(.bind, .system(EINVAL)) }
    default:
      guard self.host(of: address, from: host) === host else { throw IOError(.bind, .system(EADDRNOTAVAIL)) }
    }
    let address = address.port == 0 ? address.withPort(freePort(on: host)) : address
    let place = Place(host: host.number, address: address)
    let others = listeners.filter { $0.key.host == host.number && $0.key.address.overlaps(address) }.flatMap(\.value)
    guard others.allSatisfy({ $0.options.reusePort && socket.options.reusePort }), !isUnixNameBound(address, on: host)
    else {
      throw IOError(.bind, .system(EADDRINUSE))
    }
    listeners[place, default: []].append(socket)
    return address
  }

  func remove(_ socket: SimulatedListener.Socket, at address: SocketAddress) {
    let place = Place(host: socket.host.number, address: address)
    listeners[place]?.removeAll { $0 === socket }
    if listeners[place]?.isEmpty == true { listeners[place] = nil }
  }

  var listenerCount: Int { listeners.values.reduce(0) { $0 + $1.count } }

  /// Returns whether a listener has this name, which datagram sockets cannot have then.
  func isUnixNameListenedOn(_ address: SocketAddress, on host: SimulatedHost) -> Bool {
    if case .unix = address { listeners[Place(host: host.number, address: address)] != nil } else { false }
  }

  private func isUnixNameBound(_ address: SocketAddress, on host: SimulatedHost) -> Bool {
    if case .unix = address { datagramEnds(on: host).contains { $0.address == address } } else { false }
  }

  /// Returns a port that no listener has.
  private func freePort(on host: SimulatedHost) -> UInt16 {
    freePort(on: host) { port in
      listeners.keys.contains { $0.host == host.number && $0.address.port == port }
    }
  }

  /// Returns a dynamic port (RFC 6335 section 6) that is not taken.
  func freePort(on host: SimulatedHost, _ isTaken: (UInt16) -> Bool) -> UInt16 {
    repeat {
      host.lastPort = host.lastPort == .max ? 49_152 : host.lastPort + 1
    } while isTaken(host.lastPort)
    return host.lastPort
  }

  // MARK: Connecting

  /// An attempt to connect.
  struct Attempt {
    let number: Int
    /// The host that connects and the number of its attempt. It identifies the attempt, whatever the order of attempts
    /// of different hosts.
    let identity: Int
    let from: SimulatedHost
    let to: SimulatedHost
    let address: SocketAddress
    /// When the attempt arrives at the other host.
    let arrival: Int64
    /// Whether a fault refuses it.
    let isRefused: Bool
    /// The faults of the attempt so far.
    let faults: [Fault]
  }

  func makeAttempt(from host: SimulatedHost, to address: SocketAddress) throws(IOError) -> Attempt {
    guard let other = self.host(of: address, from: host) else { throw IOError(.connect, .system(EHOSTUNREACH)) }
    connectionCount += 1
    host.connectionCount += 1
    let number = connectionCount
    let identity = host.number << 32 | host.connectionCount
    let place = Fault.Place(owner: identity)
    let refusal = fault(.refusal, faults.plan.refusals, at: place, of: number)
    var met = refusal.map { [$0] } ?? []
    var arrival = now
    if host !== other {
      // What the connection sends first has its latency from occasion 0.
      let start = Fault.Place(owner: identity, occasion: -1)
      arrival += latency(from: host.number, to: other.number, at: start)
      arrival += retransmission(from: host.number, to: other.number, at: start, of: number) { met.append($0) }
      arrival = firstPassableTime(from: host.number, to: other.number, at: arrival) { met.append($0) }
    }
    return Attempt(
      number: number, identity: identity, from: host, to: other, address: address, arrival: arrival,
      isRefused: refusal != nil, faults: met)
  }

  /// Returns the listener for `attempt`, or `nil` if there is none. Listeners that share a port take turns.
  func listener(for attempt: Attempt) -> SimulatedListener.Socket? {
    guard !attempt.isRefused else { return nil }
    let there = listeners.filter { $0.key.host == attempt.to.number && $0.key.address.matches(attempt.address) }
    let sockets = there.sorted { $0.key.address.specificity > $1.key.address.specificity }.first?.value ?? []
    return sockets.isEmpty ? nil : sockets[attempt.number % sockets.count]
  }

  /// Makes the connection and puts it in the backlog of `listener`.
  func establish(
    _ attempt: Attempt, at listener: SimulatedListener.Socket, _ options: ConnectOptions
  ) -> SimulatedStream {
    let near: SocketAddress
    switch attempt.address {
    case .unix: near = .unix(path: "")
    case .ipv6: near = .ipv6(.loopback, port: freePort(on: attempt.from))
    case .ipv4(let address, _):
      let own = attempt.from === attempt.to && address != attempt.from.address ? .loopback : attempt.from.address
      near = .ipv4(own, port: freePort(on: attempt.from))
    }
    let client = ConnectionEnd(
      number: attempt.number, isServer: false, host: attempt.from.number, address: near, peerAddress: attempt.address,
      options.tcp)
    let server = ConnectionEnd(
      number: attempt.number, isServer: true, host: attempt.to.number, address: attempt.address, peerAddress: near,
      listener.options.tcp)
    let connection = SimulatedConnection(attempt, client: client, server: server, network: self)
    for end in [client, server] { openEnds[key(end)] = (end, connection) }
    listener.backlog.append(SimulatedStream(connection, server, simulation))
    wake(listener.accepting)
    return SimulatedStream(connection, client, simulation)
  }

  private func key(_ end: ConnectionEnd) -> Int { end.number << 1 | (end.isServer ? 1 : 0) }

  func remove(_ end: ConnectionEnd) { openEnds[key(end)] = nil }

  /// Returns the open ends on `host` with their connections, in the order of connecting.
  func ends(on host: SimulatedHost) -> [(end: ConnectionEnd, connection: SimulatedConnection)] {
    openEnds.sorted { $0.key < $1.key }.map(\.value).filter { $0.end.host == host.number }
  }

  /// The open ends, in the order of connecting.
  var ends: [ConnectionEnd] { openEnds.sorted { $0.key < $1.key }.map(\.value.end) }

  // MARK: The end of a host

  /// Closes the listeners, connection ends and datagram sockets on `host`, and ends its attempts to connect.
  func closeAll(on host: SimulatedHost) {
    for sockets in listeners.filter({ $0.key.host == host.number }).sorted(by: { $0.key.text < $1.key.text }) {
      for socket in sockets.value { SimulatedListener.close(socket, sockets.key.address, simulation) }
    }
    for (end, connection) in ends(on: host) { connection.close(end) }
    for end in datagramEnds(on: host) { close(end) }
    for waiter in simulation.waiters where waiter.host == host.number {
      if case .connect = waiter.reason { close(waiter) }
    }
  }
}

extension SocketAddress {
  /// Whether the address stands for every address of its host.
  var isAny: Bool {
    switch self {
    case .ipv4(let address, _): address == .any
    case .ipv6(let address, _, _): address == .any
    case .unix: false
    }
  }

  /// The rank of the address among listeners that match a connection: the more specific one gets it.
  var specificity: Int { isAny ? 0 : 1 }

  /// Returns whether two listeners conflict.
  func overlaps(_ other: SocketAddress) -> Bool {
    if self == other { return true }
    guard let port, port == other.port, isAny || other.isAny else { return false }
    switch (self, other) {
    case (.ipv4, .ipv4), (.ipv6, .ipv6): return true
    default: return false
    }
  }

  /// Returns whether a listener on this address gets connections to `address`, which is an address of its host.
  func matches(_ address: SocketAddress) -> Bool {
    if self == address { return true }
    guard let port, port == address.port else { return false }
    switch (self, address) {
    case (.ipv4(let own, _), .ipv4(let wanted, _)): return own == .any || wanted == .any
    case (.ipv6(let own, _, _), .ipv6(let wanted, _, _)): return own == .any || wanted == .any
    default: return false
    }
  }

  /// Returns the same address with another port.
  func withPort(_ port: UInt16) -> SocketAddress {
    switch self {
    case .ipv4(let address, _): .ipv4(address, port: port)
    case .ipv6(let address, _, let scope): .ipv6(address, port: port, scope: scope)
    case .unix: self
    }
  }
}
