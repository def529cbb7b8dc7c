import Testing

extension ModelTests {
  /// Model tests of the state that a server's connections share, and of the state that a connection shares with the
  /// threads that watch it. They look for waits that never end, connections that are closed although their request has
  /// come, and connections that are lost.
  @Suite struct ConnectionModelTests {
    /// Returns the control of a connection that has had `requests` requests.
    private static func control(
      _ context: ConnectionContext, _ stream: ModelStream, requests: Int = 0
    ) -> ConnectionControl {
      let control = ConnectionControl(context, stream)
      for _ in 0..<requests {
        control.beginRequest()
        control.endRequest()
      }
      return control
    }

    private static func fail(_ what: String) { let _: Never? = Model.current.fail(what) }

    // MARK: The registry

    @Test(arguments: [1, 2])
    func `A wait for connections to end as they end`(bound: Int) async throws {
      try await Model.explore { model in
        let (context, registry) = (ConnectionContext(), ConnectionRegistry())
        for _ in 0..<2 {
          let slot = registry.insert(Self.control(context, ModelStream(), requests: 1))
          model.spawn("connection") { registry.remove(at: slot) }
        }
        model.spawnTask("server") {
          await registry.waitUntilCount(isBelow: bound)
          if registry.openCount >= bound { Self.fail("\(registry.openCount) are open") }
        }
        return {
          let metrics = registry.metrics
          return metrics.openConnections == 0 && metrics.totalRequests == 2 ? nil : "\(metrics)"
        }
      }
    }

    @Test func `Two waits for room, and a connection that ends as another comes`() async throws {
      try await Model.explore(budget: 2) { model in
        let (context, registry) = (ConnectionContext(), ConnectionRegistry())
        let first = registry.insert(Self.control(context, ModelStream()))
        model.spawn("first connection") { registry.remove(at: first) }
        model.spawn("second connection") { registry.remove(at: registry.insert(Self.control(context, ModelStream()))) }
        for bound in [1, 2] { model.spawnTask("server \(bound)") { await registry.waitUntilCount(isBelow: bound) } }
        return { registry.openCount == 0 ? nil : "\(registry.openCount) are open" }
      }
    }

    @Test func `Connections that come and go are there for as long as they are open`() async throws {
      try await Model.explore(budget: 2) { model in
        let (context, registry) = (ConnectionContext(), ConnectionRegistry())
        // A place that is used again, between two that are in use.
        let slots = (0..<3).map { _ in registry.insert(Self.control(context, ModelStream())) }
        registry.remove(at: slots[1])
        for name in ["one", "two"] {
          model.spawn(name) {
            let control = Self.control(context, ModelStream(), requests: 1)
            let slot = registry.insert(control)
            if !registry.connections.contains(where: { $0 === control }) { Self.fail("\(name) is not there") }
            registry.remove(at: slot)
            if registry.connections.contains(where: { $0 === control }) { Self.fail("\(name) is still there") }
          }
        }
        return {
          let metrics = registry.metrics
          return metrics.openConnections == 2 && metrics.totalConnections == 5 && metrics.totalRequests == 2
            ? nil : "\(metrics)"
        }
      }
    }

    // MARK: Watching a connection

    @Test func `A connection that is ended as its task is made is cancelled`() async throws {
      try await Model.explore { model in
        let control = Self.control(ConnectionContext(), ModelStream())
        model.spawn("server") {
          let task = Model.current.spawnTask("connection") { await Task.waitUntilCancelled() }
          control.attach(task)
        }
        model.spawn("shutdown") { control.abort() }
        return { nil }
      }
    }

    @Test func `A connection that starts to wait for a request as the server closes stops waiting`()
      async throws
    {
      try await Model.explore { model in
        let (context, stream) = (ConnectionContext(), ModelStream())
        let control = Self.control(context, stream)
        model.spawn("connection") {
          _ = control.beginIdleWait(isFirst: false)
          if !context.isClosing { Model.current.wait { stream.isClosed } }
        }
        model.spawn("server") {
          context.beginClosing()
          control.closeIfIdle()
        }
        return { nil }
      }
    }

    @Test func `A connection whose request comes as the server closes is served or closed`() async throws {
      try await Model.explore { model in
        let (context, stream) = (ConnectionContext(), ModelStream())
        let control = Self.control(context, stream)
        var isServed: Bool?
        model.spawn("connection") { isServed = control.beginHeadWait(after: control.beginIdleWait(isFirst: false)) }
        model.spawn("server") { control.closeIfIdle() }
        return { isServed == !stream.isClosed ? nil : "served: \(isServed == true), closed: \(stream.isClosed)" }
      }
    }

    @Test func `A connection that waits for its client to disconnect as the server's watch ends stops waiting`()
      async throws
    {
      try await Model.explore { model in
        let stream = ModelStream()
        let control = Self.control(ConnectionContext(), stream)
        model.spawn("connection") {
          if control.beginCloseWait() { Model.current.wait { stream.isClosed } }
        }
        model.spawn("server") { control.stopWatching() }
        return { nil }
      }
    }

    @Test func `A connection whose request comes as its wait has been too long is served or closed`() async throws {
      try await Model.explore { model in
        let (context, stream) = (ConnectionContext(), ModelStream())
        let control = Self.control(context, stream)
        let late = context.ticker.deadline(after: context.idleTicks)
        var isServed: Bool?
        model.spawn("connection") { isServed = control.beginHeadWait(after: control.beginIdleWait(isFirst: false)) }
        model.spawn("sweeper") { control.sweep(at: late) }
        return { isServed == !stream.isClosed ? nil : "served: \(isServed == true), closed: \(stream.isClosed)" }
      }
    }

    // MARK: Shared by successive connections

    private final class Thing: Reusable, @unchecked Sendable {  // One thread of the model runs at a time.
      var user: String?
      func reset() -> Bool { true }
    }

    @Test func `What is taken from a pool has one user`() async throws {
      try await Model.explore { model in
        let pool = Pool { Thing() }
        pool.giveBack(Thing())
        for name in ["one", "two"] {
          model.spawn(name) {
            let thing = pool.take()
            if let user = thing.user { Self.fail("\(user) has it") }
            thing.user = name
            // Another thread may run here.
            Model.current.stop(before: .wait)
            thing.user = nil
            pool.giveBack(thing)
          }
        }
        return { nil }
      }
    }

    @Test func `Memory that connections take and give back is counted`() async throws {
      try await Model.explore { model in
        let budget = MemoryBudget(limit: 1 << 20)
        for name in ["one", "two"] {
          model.spawn(name) {
            var part = MemoryBudget.Part()
            part.set(to: 2 * MemoryBudget.step, in: budget)
            part.set(to: 0, in: budget)
          }
        }
        return { budget.held == 0 ? nil : "\(budget.held) bytes are held" }
      }
    }
  }
}
