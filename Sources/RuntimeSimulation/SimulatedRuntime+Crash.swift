public import Runtime

/// What the peers of a crashed host notice about its connections.
public enum CrashedConnections: String, Hashable, Sendable, CaseIterable {
  /// Connections are reset at once, and attempts to connect are refused, as when a process ends on a system that goes
  /// on.
  case reset
  /// Peers notice nothing, as when a machine loses its power. What they send is not acknowledged, so that their writes
  /// wait in the end, and attempts to connect fail after 127 s. Once the host has started again, it resets old
  /// connections when data for them arrives.
  case silent
}

extension SimulatedRuntime {
  /// Adds a host that runs `program`, from its beginning each time that the host starts, and returns the host's
  /// runtime.
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
  /// The variables of `program` are the host's memory, which a crash loses; what `program` captures is kept. An error
  /// that `program` throws ends the run like an error of the body, unless the host has been shut down. When `program`
  /// returns, the host goes on with the tasks that it has spawned.
  ///
  /// - Parameters:
  ///   - address: the host's address; by default one of `10.0.0.0/8`.
  ///   - skew: the difference of the host's clock from the simulation's.
  ///   - program: the program, which gets the host's runtime.
  public func host(
    _ address: IPv4Address? = nil, skew: ClockSkew = ClockSkew(),
    running program: @escaping @Sendable (SimulatedRuntime) async throws -> Void
  ) -> SimulatedRuntime {
    let runtime = host(address, skew: skew)
    runtime.host.run(program)
    return runtime
  }

  /// Whether the host is up: it has neither crashed nor been shut down since its last start.
  public var isUp: Bool {
    simulation.assertCurrent()
    return !host.isClosed
  }

  /// Crashes this host at once, as a loss of power does. Does nothing if the host has crashed already.
  ///
  /// The crash ends the host's tasks: those that it has spawned, and those that these have started. None of them runs
  /// again. What a task waits for does not resume it, its `defer` and `deinit` do not run, its value never comes, and
  /// it does not count as left over. Swift cannot destroy a task that has not ended, so the process leaks the memory of
  /// each.
  ///
  /// Two kinds of task still run to their next suspension: a task that was about to run on an actor, for which other
  /// tasks may wait, and a task that crashes its own host. What such a task does with the network, the disk or the
  /// clock fails as if closed.
  ///
  /// Listeners, datagram sockets and connections are gone. Operations of the test's own tasks on this host end with
  /// ``IOError/Reason/closed`` or `CancellationError`, if they are in progress or begin before ``restart()``. ``disk``
  /// describes what is left of the host's files.
  ///
  /// - Parameter connections: what the peers notice about their connections; by default drawn from the seed.
  public func crash(connections: CrashedConnections? = nil) {
    simulation.assertCurrent()
    host.crash(connections)
  }

  /// Starts this host and its program again, from the beginning; turmoil calls it `bounce`. A host that is up crashes
  /// first. Tasks left over from a host that was shut down end as in a crash.
  public func restart() {
    simulation.assertCurrent()
    host.restart()
  }
}
