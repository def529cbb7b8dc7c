import Testing

extension ModelTests {
  /// Model tests of an HTTP/2 connection: the task that reads, the task that writes, and the handlers' tasks, while
  /// requests come and are reset and the connection ends. They look for a writer that sleeps although there is
  /// something to write, an answer that is lost or sent twice, a handler that is not cancelled, and a connection that
  /// does not end.
  @Suite struct HTTP2ModelTests {
    /// How a handler answers a request.
    private enum Way { case atOnce, inTask, untilCancelled, readingContent, writingContent }

    private struct Answers: Handler {
      let ways: [StreamID: Way]

      func respondAtOnce(to request: Request) -> Response? {
        ways[request.number] == .atOnce ? Response() : nil
      }

      func respond(to request: Request) async -> Response {
        switch ways[request.number] {
        case .untilCancelled:
          await Task.waitUntilCancelled()
          return Response()
        case .readingContent:
          while let content = try? await request.body?.next(), !content.isEmpty {}
          return Response()
        case .writingContent: return Response { writer in try await writer.write([0]) }
        case .atOnce, .inTask, nil: return Response()
        }
      }
    }

    /// A connection whose client runs `client` and then waits for the connection to end.
    private final class Scene: @unchecked Sendable {  // One thread of the model runs at a time.
      let stream: ModelStream
      let connection: HTTP2Connection<ModelStream, Answers>
      let task: Task<Void, any Error>

      init(_ model: Model, _ ways: [StreamID: Way], takesAtOnce: Bool, client: @escaping (Scene) -> Void) {
        let context = ConnectionContext()
        let stream = ModelStream(takesAtOnce: takesAtOnce)
        let control = ConnectionControl(context, stream)
        let connection = HTTP2Connection(stream, control, Responder(context, Answers(ways: ways)))
        self.stream = stream
        self.connection = connection
        task = model.spawnTask("writer") {
          connection.start()
          await connection.run()
        }
        control.attach(task)
        model.spawn("client") {
          client(self)
          Model.current.wait { stream.isClosed }
        }
      }

      /// Sends `frames`, and waits until `answers` have come.
      func send(_ frames: [UInt8], awaiting answers: [UInt8] = []) {
        stream.send(frames)
        let stream = stream
        Model.current.wait { answers.allSatisfy(stream.output.contains) }
      }

      /// Returns what is wrong at the end; `nil` if nothing is.
      func check(_ answers: Set<UInt8>, mayMiss: Bool = false) -> String? {
        let output = stream.output.filter { $0 < 100 }
        if Set(output).count != output.count { return "answers have been sent twice: \(output)" }
        let isRight = mayMiss ? answers.isSuperset(of: output) : answers == Set(output)
        if !isRight { return "the answers are \(output)" }
        let inFlight = connection.control.requestsInFlight
        return inFlight == 0 ? nil : "\(inFlight) requests are in flight"
      }
    }

    private static func explore(_ program: @escaping (Model) -> () -> String?) async throws {
      // One interruption at the wrong place is enough for these faults.
      try await Model.explore(budget: max(1, 1 + SchedulerModelTests.extraBudget), program)
    }

    @Test(arguments: [true, false])
    func `Requests that are answered at once, one after another`(takesAtOnce: Bool) async throws {
      try await Self.explore { model in
        let scene = Scene(model, [1: .atOnce, 3: .atOnce], takesAtOnce: takesAtOnce) { scene in
          scene.send([1], awaiting: [1])
          scene.send([3], awaiting: [3])
          scene.stream.finish()
        }
        return { scene.check([1, 3]) }
      }
    }

    @Test(arguments: [true, false])
    func `Requests that are answered by tasks`(takesAtOnce: Bool) async throws {
      try await Self.explore { model in
        let scene = Scene(model, [1: .inTask, 3: .inTask], takesAtOnce: takesAtOnce) { scene in
          scene.send([1, 3], awaiting: [1, 3])
          scene.stream.finish()
        }
        return { scene.check([1, 3]) }
      }
    }

    @Test func `A request that is answered by a task, and one that is answered at once`() async throws {
      try await Self.explore { model in
        let scene = Scene(model, [1: .inTask, 3: .atOnce], takesAtOnce: true) { scene in
          scene.send([1])
          scene.send([3], awaiting: [1, 3])
          scene.stream.finish()
        }
        return { scene.check([1, 3]) }
      }
    }

    @Test(arguments: [true, false])
    func `A request that is answered at once as the server says that it closes`(takesAtOnce: Bool) async throws {
      try await Self.explore { model in
        let scene = Scene(model, [1: .atOnce], takesAtOnce: takesAtOnce) { scene in
          scene.send([1], awaiting: [HTTP2Core.lastFrame])
          scene.stream.finish()
        }
        model.spawn("server") { scene.connection.beginClosing() }
        // The request may come too late.
        return { scene.check([1], mayMiss: true) }
      }
    }

    @Test func `A request whose handler waits until its client resets it`() async throws {
      try await Self.explore { model in
        let scene = Scene(model, [1: .untilCancelled, 3: .atOnce], takesAtOnce: true) { scene in
          scene.send([1])
          scene.send([101, 3], awaiting: [3])
          scene.stream.finish()
        }
        return { scene.check([3]) }
      }
    }

    @Test func `A request whose handler waits until the server has no more time`() async throws {
      try await Self.explore { model in
        let scene = Scene(model, [1: .untilCancelled], takesAtOnce: true) { scene in
          scene.send([1], awaiting: [HTTP2Core.lastFrame])
          scene.stream.finish()
        }
        model.spawn("server") { scene.connection.cancelRequests() }
        return { scene.check([1], mayMiss: true) }
      }
    }

    @Test func `A handler that waits for content as it comes`() async throws {
      try await Self.explore { model in
        let scene = Scene(model, [51: .readingContent], takesAtOnce: true) { scene in
          scene.send([51])
          scene.send([201], awaiting: [51])
          scene.stream.finish()
        }
        return { scene.check([51]) }
      }
    }

    @Test func `A handler that waits for content as its client resets the stream`() async throws {
      try await Self.explore { model in
        let scene = Scene(model, [51: .readingContent], takesAtOnce: true) { scene in
          scene.send([51])
          scene.send([151])
          scene.stream.finish()
        }
        return { scene.check([]) }
      }
    }

    @Test(arguments: [true, false])
    func `A handler that waits for its client to take content`(takesAtOnce: Bool) async throws {
      try await Self.explore { model in
        let scene = Scene(model, [1: .writingContent], takesAtOnce: takesAtOnce) { scene in
          scene.send([1], awaiting: [101, 1])
          scene.stream.finish()
        }
        return { scene.check([1]) }
      }
    }

    @Test func `A handler that waits for its client to take content as the connection is cancelled`() async throws {
      try await Self.explore { model in
        let scene = Scene(model, [1: .writingContent], takesAtOnce: true) { scene in scene.send([1]) }
        model.spawn("server") { scene.connection.control.abort() }
        return { scene.check([1], mayMiss: true) }
      }
    }

    @Test func `A connection that is cancelled with a request in flight`() async throws {
      try await Self.explore { model in
        let scene = Scene(model, [1: .untilCancelled], takesAtOnce: true) { scene in scene.send([1]) }
        model.spawn("server") { scene.connection.control.abort() }
        return { scene.check([1], mayMiss: true) }
      }
    }

    @Test func `Memory is let go of as a request's task ends`() async throws {
      try await Self.explore { model in
        let scene = Scene(model, [1: .inTask], takesAtOnce: true) { scene in
          scene.send([1], awaiting: [1])
          scene.stream.finish()
        }
        model.spawn("sweeper") { scene.connection.tick(2) }
        return { scene.check([1]) }
      }
    }
  }
}
