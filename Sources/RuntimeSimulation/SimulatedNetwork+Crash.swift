extension SimulatedNetwork {
  /// Removes what `host` had in the network. Its peers learn of it unless the host is silent.
  func crash(_ host: SimulatedHost) {
    for (end, connection) in ends(on: host) {
      connection.crash(end)
      if host.isSilent { host.lostEnds.append((end, connection)) }
    }
    closeAll(on: host)
  }

  /// Makes `host`, which is up again, answer for connections that it does not know.
  func handleRestart(of host: SimulatedHost) {
    for (end, connection) in exchange(&host.lostEnds, with: []) where end.hasMissed { connection.sendReset(from: end) }
    for body in exchange(&host.waitingForStart, with: []) { body() }
  }

  /// Returns whether packets to the host get no answer.
  func isSilent(_ host: Int) -> Bool { hosts[host - 1].isSilent }

  /// Returns what keeps `attempt` from getting there and back, if anything does: a function that calls its argument
  /// once that has ended.
  func obstacle(for attempt: Attempt) -> ((@escaping () -> Void) -> Void)? {
    let (near, far) = (attempt.from.number, attempt.to.number)
    for (from, to) in [(near, far), (far, near)] where !isOpen(from: from, to: to) {
      return { self.whenOpen(from: from, to: to, $0) }
    }
    return attempt.to.isSilent ? { attempt.to.waitingForStart.append($0) } : nil
  }

  /// Records a predicted fault that has happened.
  func record(_ fault: Fault) {
    faults.record(fault)
    simulation.journal.record(.fault(fault))
  }
}

extension SimulatedConnection {
  /// Removes `end`, whose host has crashed.
  func crash(_ end: ConnectionEnd) {
    guard !end.isClosed else { return }
    end.isClosed = true
    network.remove(end)
    end.received.removeAll()
    end.isLost = network.isSilent(end.host)
    if !end.isLost { sendReset(from: end) }
    end.hasFinished = true
    network.close(end.reader)
    network.close(end.writer)
    if !end.isLost { wakePeerWriter(of: end) }
  }
}
