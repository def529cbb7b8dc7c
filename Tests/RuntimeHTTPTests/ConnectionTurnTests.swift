import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import RuntimeHTTP

/// A connection that always has something to do lets other tasks run.
@Suite(.timeLimit(.minutes(10))) struct ConnectionTurnTests {
  /// Answers immediately, after a fifth of a turn of work.
  private struct SlowAtOnce: Handler {
    func respond(to request: Request) async throws -> Response { spin() }
    func respondAtOnce(to request: Request) throws -> Response? { request.path == "/waits" ? nil : spin() }

    private func spin() -> Response {
      let start = MonotonicTime.now
      while MonotonicTime.now < start + 200_000 {}
      return .text("done")
    }
  }

  /// Suspends, so that each request has its own task. Records how many turns other tasks had had when that task began.
  private struct Counting: Handler {
    let others: Others
    let counts = Recorder<Int>()

    func respond(to request: Request) async throws -> Response {
      counts.record(others.turns.load(ordering: .relaxed))
      return .text("done")
    }
    func respondAtOnce(to request: Request) throws -> Response? { nil }
  }

  /// The task that runs beside a connection.
  private final class Others: Sendable {
    let turns = Atomic(0)
    let areOver = Atomic(false)
  }

  /// Serves one connection on a backend's only worker. `body` has the client's end and runs elsewhere. A task beside
  /// the connection counts its turns.
  private func withBusyWorker(
    _ backend: Backend, speaking protocol: ApplicationProtocol, others: Others = Others(),
    handler: some Handler = SlowAtOnce(), _ body: (MemoryStream, () -> Int) async throws -> Void
  ) async throws {
    // Handlers would run beside the connection on relief workers, so there are none.
    try await backend.withRuntime(workers: 1, stalls: nil) { runtime in
      let (near, far) = MemoryStream.pair(capacity: 1 << 20)
      let server = runtime.spawn {
        await serveConnection(
          far, speaking: `protocol`, clock: ManualClock(), executor: runtime, options: .quiet, handler: handler)
      }
      let other = runtime.spawn {
        while !others.areOver.load(ordering: .relaxed) {
          others.turns.add(1, ordering: .relaxed)
          // Yields in the same way as the connection, because `Task.yield` goes behind the ready jobs twice.
          await runtime.yield()
        }
      }
      let result = await Result { try await body(near) { others.turns.load(ordering: .relaxed) } }
      near.close()
      others.areOver.store(true, ordering: .relaxed)
      try await server.value
      try await other.value
      try result.get()
    }
  }

  @Test(arguments: Backend.allCases, ["/", "/waits"])
  func `other tasks run while a connection answers a pipeline`(_ backend: Backend, _ path: String) async throws {
    try await withBusyWorker(backend, speaking: .http1) { stream, turns in
      let before = turns()
      try await stream.write(String(repeating: "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n", count: 200))
      let client = HTTPTestClient(stream)
      for _ in 0..<200 { #expect(try await client.readResponse().status == 200) }
      // That is 40 ms of work, so 20 turns of a millisecond. The connection reads the clock once per eight requests.
      #expect(turns() - before >= 10)
    }
  }

  @Test(arguments: Backend.allCases)
  func `other tasks run while a connection answers a batch of streams`(_ backend: Backend) async throws {
    try await withBusyWorker(backend, speaking: .http2) { stream, turns in
      let client = HTTP2TestClient(stream)
      try await client.start()
      let before = turns()
      let heads = (0..<100).map { _ in client.head("GET", "/") }
      try await stream.write(heads.flatMap(\.bytes))
      for head in heads { #expect(try await client.readResponse(on: head.stream).status == 200) }
      #expect(turns() - before >= 5)
    }
  }

  @Test(arguments: Backend.allCases)
  func `other tasks run while a connection starts the handlers of a batch of streams`(_ backend: Backend) async throws {
    let others = Others()
    let handler = Counting(others: others)
    try await withBusyWorker(backend, speaking: .http2, others: others, handler: handler) { stream, _ in
      let client = HTTP2TestClient(stream)
      try await client.start()
      let heads = (0..<100).map { _ in client.head("GET", "/") }
      try await stream.write(heads.flatMap(\.bytes))
      for head in heads { #expect(try await client.readResponse(on: head.stream).status == 200) }
    }
    // At most sixteen handlers begin between two turns of the other task.
    let counts = Dictionary(grouping: handler.counts.elements) { $0 }.mapValues(\.count)
    #expect(counts.values.reduce(0, +) == 100)
    #expect(counts.values.allSatisfy { $0 <= 16 })
  }
}
