public import Runtime

/// What the peers of a crashed host see of its connections.
public enum CrashedConnections: String, Hashable, Sendable, CaseIterable {
  /// Peers find their connections reset at once, and attempts to connect are refused: as when a system goes on, and a process
  /// on it ends.
  case reset
  /// Peers are told nothing. What they send is not acknowledged, so that writing to the connection ends up waiting, and
  /// attempts to connect fail after 127 s. Once the host has been started again, it answers what comes for the connections of
  /// before with a reset: as when a machine loses its power.
  case silent
}

extension SimulatedRuntime {
  /// Another host of the same simulation, which runs `program` from now on, and once more from its beginning each time that
  /// it is started again.
  ///
  /// ```swift
  /// let server = runtime.host { host in
  ///   let store = try await Store(host.disk)
  ///   try await serve(store, on: host)
  /// }
  /// server.crash()
  /// server.restart()
  /// ```
  ///
  /// What `program` makes is the host's memory, and gone with it. What `program` captures is not. An error that it throws,
  /// unless its host has been shut down, ends the run as one of the body does. When it returns, the host goes on with the
  /// tasks that it has spawned.
  ///
  /// - Parameters:
  ///   - address: its address; one of `10.0.0.0/8` unless given.
  ///   - skew: how its clock differs from the simulation's.
  ///   - program: gets the runtime of the host.
  public func host(
    _ address: IPv4Address? = nil, skew: ClockSkew = ClockSkew(),
    running program: @escaping @Sendable (SimulatedRuntime) async throws -> Void
  ) -> SimulatedRuntime {
    let runtime = host(address, skew: skew)
    runtime.host.run(program)
    return runtime
  }

  /// Whether the host has neither crashed nor been shut down since it was last started.
  public var isUp: Bool {
    simulation.assertCurrent()
    return !host.isClosed
  }

  /// Ends this host at once, as a loss of power does. A host that has crashed already stays as it is.
  ///
  /// The host's tasks are those that it has spawned, and those that these have made. None of them runs again: what it waits
  /// for does not resume it, no `defer` and no `deinit` is run, its value never comes, and it is not counted as left over.
  /// Swift cannot take a task apart that has not ended, so the memory of each is lost to the process. A task that was about
  /// to run on an actor, which others may wait for, still runs to its next suspension there, and so does one that has its own
  /// host crash; what such a task asks of the network, the disk or the clock fails as if closed.
  ///
  /// Listeners, sockets for datagrams and connections are gone. What a task of the test has under way on this host, or
  /// begins before ``restart()``, ends with ``IOError/Reason/closed`` or `CancellationError`. What is left on the host's
  /// ``disk`` is said there.
  ///
  /// - Parameter connections: what the peers see of their connections; drawn from the seed unless given.
  public func crash(connections: CrashedConnections? = nil) {
    simulation.assertCurrent()
    host.crash(connections)
  }

  /// Starts this host again, and its program from the beginning; turmoil calls it `bounce`. A host that is up crashes first;
  /// tasks that are left of one that has been shut down end as in a crash.
  public func restart() {
    simulation.assertCurrent()
    host.restart()
  }
}
