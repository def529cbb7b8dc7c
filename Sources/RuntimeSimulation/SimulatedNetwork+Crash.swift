extension SimulatedNetwork {
  /// Takes away what `host` had in the network. Peers are told unless the host is silent.
  func crash(_ host: SimulatedHost) {
    for (end, connection) in ends(on: host) {
      connection.crash(end)
      if host.isSilent { host.lostEnds.append((end, connection)) }
    }
    closeAll(on: host)
  }

  /// Lets `host`, which is up again, answer for connections that it knows nothing of.
  func answer(for host: SimulatedHost) {
    for (end, connection) in exchange(&host.lostEnds, with: []) where end.hasMissed { connection.sendReset(from: end) }
    for body in exchange(&host.waitingForStart, with: []) { body() }
  }

  /// Whether nothing on the host answers.
  func isSilent(_ host: Int) -> Bool { hosts[host - 1].isSilent }

  /// What has to happen before anything gets there and back again, if something has: gives a function that has its argument
  /// done then.
  func obstacle(for attempt: Attempt) -> ((@escaping () -> Void) -> Void)? {
    let (near, far) = (attempt.from.number, attempt.to.number)
    for (from, to) in [(near, far), (far, near)] where !isOpen(from: from, to: to) {
      return { self.whenOpen(from: from, to: to, $0) }
    }
    return attempt.to.isSilent ? { attempt.to.waitingForStart.append($0) } : nil
  }

  /// Notes a fault that was foreseen and has come.
  func note(_ fault: Fault) {
    faults.note(fault)
    simulation.journal.record(.fault(fault))
  }
}

extension SimulatedConnection {
  /// Takes `end` away, whose host has crashed.
  func crash(_ end: ConnectionEnd) {
    guard !end.isClosed else { return }
    end.isClosed = true
    network.forget(end)
    end.received.removeAll()
    end.isLost = network.isSilent(end.host)
    if !end.isLost { sendReset(from: end) }
    end.hasFinished = true
    network.close(end.reader)
    network.close(end.writer)
    if !end.isLost { hasRead(at: end) }
  }
}
