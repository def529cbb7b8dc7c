import Glibc
import Runtime
import RuntimePrimitives

extension SimulatedNetwork {
  // MARK: Binding

  /// Creates a socket on `host` that gets the datagrams to `address`.
  func bind(
    _ address: SocketAddress, on host: SimulatedHost, _ options: DatagramOptions
  ) throws(IOError) -> DatagramEnd {
    var address = address
    datagramSocketCount += 1
    if case .unix(let path) = address {
      // Linux does the same, with five digits (unix(7), "Autobind feature").
      if path.isEmpty { address = .unix(path: "\0" + String(0x10_0000 + datagramSocketCount, radix: 16).dropFirst()) }
    } else {
      guard self.host(of: address, from: host) === host else { throw IOError(.bind, .system(EADDRNOTAVAIL)) }
      if address.port == 0 { address = address.withPort(freeDatagramPort(on: host)) }
    }
    let others = datagramEnds(on: host).filter { $0.address.overlaps(address) }
    guard others.allSatisfy({ $0.options.reusePort && options.reusePort }), !isUnixNameListenedOn(address, on: host)
    else { throw IOError(.bind, .system(EADDRINUSE)) }
    let end = DatagramEnd(number: datagramSocketCount, host: host, address: address, options)
    datagramEnds.append(end)
    simulation.journal.record(.bound(end, address))
    return end
  }

  func datagramEnds(on host: SimulatedHost) -> [DatagramEnd] { datagramEnds.filter { $0.host === host } }

  private func freeDatagramPort(on host: SimulatedHost) -> UInt16 {
    let taken = datagramEnds(on: host).map(\.address.port)
    return freePort(on: host) { taken.contains($0) }
  }

  func close(_ end: DatagramEnd) {
    guard !end.isClosed else { return }
    end.isClosed = true
    end.removeAll()
    datagramEnds.removeAll { $0 === end }
    simulation.journal.record(.unbound(end))
    close(end.receiver)
    close(end.sender)
    for waiter in end.takeWaitingForRoom() { wake(waiter) }
  }

  // MARK: Connecting

  /// Sets the peer of `end`.
  func connect(_ end: DatagramEnd, to address: SocketAddress) throws(IOError) {
    let address = address.isAny ? address.loopback : address
    guard address.isSameFamily(as: end.address) else { throw IOError(.connect, .system(EAFNOSUPPORT)) }
    if end.isUnix {
      _ = try unixReceiver(at: address, for: end, .connect)
    } else {
      end.address = try source(of: end, to: address, .connect)
    }
    end.peerAddress = address
  }

  /// Returns the address from which `end` sends to `address`.
  private func source(
    of end: DatagramEnd, to address: SocketAddress, _ operation: IOError.Operation
  ) throws(IOError) -> SocketAddress {
    let isNear = host(of: address, from: end.host) === end.host
    switch (end.address, address) {
    case (.ipv4(let own, let port), .ipv4(let other, _)):
      if own == .any {
        return .ipv4(isNear && other != end.host.address ? .loopback : end.host.address, port: port)
      }
      // A packet from the loopback device cannot leave its host.
      if own != end.host.address, !isNear { throw IOError(operation, .system(EINVAL)) }
      return end.address
    case (.ipv6(_, let port, _), _): return .ipv6(.loopback, port: port)
    default: return end.address
    }
  }

  /// Returns the socket named `address` on the host of `end`.
  private func unixReceiver(
    at address: SocketAddress, for end: DatagramEnd, _ operation: IOError.Operation
  ) throws(IOError) -> DatagramEnd {
    guard let other = datagramEnds(on: end.host).first(where: { $0.address == address }) else {
      let isGone = address == end.peerAddress || address.filePath == nil
      throw IOError(operation, .system(isGone ? ECONNREFUSED : ENOENT))
    }
    if let peer = other.peerAddress, peer != end.address { throw IOError(operation, .system(EPERM)) }
    return other
  }

  // MARK: Sending

  /// Sends `bytes` to `address`, or to the peer if `address` is `nil`.
  ///
  /// - Returns: the Unix-domain socket that has no room for the datagram, or `nil` if it was sent.
  func send(_ bytes: RawSpan, from end: DatagramEnd, to address: SocketAddress?) throws(IOError) -> DatagramEnd? {
    guard var address = address ?? end.peerAddress else {
      throw IOError(.send, .system(end.isUnix ? ENOTCONN : EDESTADDRREQ))
    }
    if address.isAny { address = address.loopback }
    guard address.isSameFamily(as: end.address) else { throw IOError(.send, .system(EAFNOSUPPORT)) }
    guard bytes.byteCount <= end.maximumLength else { throw IOError(.send, .system(EMSGSIZE)) }
    func datagram(from sender: SocketAddress) -> DatagramEnd.QueuedDatagram {
      datagramCount += 1
      simulation.journal.record(.sent(end, bytes.byteCount, to: address, datagramCount))
      return DatagramEnd.QueuedDatagram(
        number: datagramCount, bytes: bytes.withUnsafeBytes { Array($0) }, sender: sender)
    }
    if end.isUnix {
      let other = try unixReceiver(at: address, for: end, .send)
      guard other.hasRoom(for: bytes.byteCount) else { return other }
      deliver(datagram(from: end.address), to: other)
    } else {
      let datagram = datagram(from: try source(of: end, to: address, .send))
      end.sentCount += 1
      dispatch(Packet(number: end.sentCount, from: end, to: address, datagram: datagram))
    }
    return nil
  }

  /// A datagram on its way.
  private struct Packet {
    let number: Int
    let from: DatagramEnd
    let to: SocketAddress
    let datagram: DatagramEnd.QueuedDatagram
  }

  /// Sends `packet` on its way, unless it is lost.
  private func dispatch(_ packet: Packet) {
    let from = packet.from
    // An address that no host has: no host is there to refuse the packet.
    guard let host = host(of: packet.to, from: from.host) else { return }
    if host === from.host { return arrive(packet, at: host) }
    let place = Fault.Place(owner: -from.number, occasion: packet.number)
    let (near, far) = (from.host.number, host.number)
    if isPartitioned(from: near, to: far) { return }
    if fault(.loss, losses(from: near, to: far), at: place) != nil { return }
    whenOpen(from: near, to: far) { [self] in scheduleDelivery(of: packet, to: host, at: place) }
  }

  /// Delivers `packet`, which is not lost, when it is due: in order, unless a fault delays it.
  private func scheduleDelivery(of packet: Packet, to host: SimulatedHost, at place: Fault.Place) {
    let from = packet.from
    func fault(_ kind: Fault.Kind, _ chance: Double) -> Fault? {
      self.fault(kind, chance, at: place)
    }
    let plan = faults.plan
    let latency = latency(from: from.host.number, to: host.number, at: place)
    let arrival = max(now + latency, from.lastArrival[packet.to] ?? 0)
    from.lastArrival[packet.to] = arrival
    func amount(_ fault: Fault) -> Int64 { Int64(faults.amount(fault, upTo: Int(plan.longestDelay.nanoseconds))) }
    let delay = fault(.delay, plan.delays).map(amount) ?? 0
    let echo = fault(.duplicate, plan.duplicates).map(amount)
    for time in [arrival + delay] + (echo.map { [arrival + $0] } ?? [])
    where firstPassableTime(from: from.host.number, to: host.number, at: time) == time {
      schedule(at: time) { [self] in arrive(packet, at: host) }
    }
  }

  private func arrive(_ packet: Packet, at host: SimulatedHost) {
    if host.isSilent { return }
    let ends = datagramEnds(on: host).filter { end in
      end.address.matches(packet.to) && (end.peerAddress ?? packet.datagram.sender) == packet.datagram.sender
    }
    // Among the most specific sockets, the sender's number decides which one gets the datagram.
    let rank = ends.map(\.exactness).max()
    let nearest = ends.filter { $0.exactness == rank }
    guard !nearest.isEmpty else { return refuse(packet, at: host) }
    deliver(packet.datagram, to: nearest[packet.from.number % nearest.count])
  }

  private func deliver(_ datagram: DatagramEnd.QueuedDatagram, to end: DatagramEnd) {
    guard end.hasRoom(for: datagram.bytes.count) else {
      return simulation.journal.record(.dropped(end, datagram.bytes.count, datagram.number))
    }
    end.append(datagram)
    wake(end.receiver)
  }

  /// Tells the sender that no socket is bound there (ICMP). Only a connected sender learns of it.
  private func refuse(_ packet: Packet, at host: SimulatedHost) {
    let end = packet.from
    func report() {
      guard !end.isClosed, end.peerAddress == packet.to else { return }
      simulation.journal.record(.refused(end, packet.to))
      end.pendingError = ECONNREFUSED
      wake(end.receiver)
    }
    if host === end.host { return report() }
    let (near, far) = (host.number, end.host.number)
    guard !isPartitioned(from: near, to: far) else { return }
    let place = Fault.Place(owner: -end.number, isServerSide: true, occasion: packet.number)
    whenOpen(from: near, to: far) { [self] in schedule(at: now + latency(from: near, to: far, at: place), report) }
  }
}

extension DatagramEnd {
  /// The rank of the socket among those that match a datagram: by its peer, by its address, or by its port alone.
  fileprivate var exactness: Int { (peerAddress == nil ? 0 : 2) + address.specificity }
}

extension SocketAddress {
  fileprivate func isSameFamily(as other: SocketAddress) -> Bool {
    switch (self, other) {
    case (.ipv4, .ipv4), (.ipv6, .ipv6), (.unix, .unix): true
    default: false
    }
  }

  /// The loopback address with the same port.
  fileprivate var loopback: SocketAddress {
    switch self {
    case .ipv4(_, let port): .ipv4(.loopback, port: port)
    case .ipv6(_, let port, _): .ipv6(.loopback, port: port)
    case .unix: self
    }
  }
}
