import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import Testing

@testable import notes_service

/// The notes service in simulated networks. Whatever faults occur, acknowledged data is stored, and stored data is
/// complete.
@Suite struct NotesSimulationTests {
  private struct Wrong: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// The content of every upload of the file `name`.
  private func content(of name: String) -> [UInt8] { Array(String(repeating: "\(name) ", count: 5000).utf8) }

  @Test func `In a faulty network, clients that retry get everything stored`() async throws {
    var faults = FaultPlan.rough
    faults.resets = 0.3
    try await simulate(seeds: 1...30, faults: faults) { runtime in
      try await withNotes(on: runtime) { notes in
        let clients = (1...3).map { number in
          runtime.spawn { try await store("file-\(number)", by: notes.client(on: runtime.host())) }
        }
        for client in clients { try await client.value }
        try await notes.stop()
        let stored = names(in: notes.service.files.directory)
        guard stored == ["file-1", "file-2", "file-3"] else { throw Wrong("the stored files are \(stored)") }
      }
    }
  }

  @Test func `Whenever it stops, acknowledged data is stored, and nothing is incomplete`() async throws {
    var faults = FaultPlan.rough
    faults.resets = 0.5
    try await simulate(seeds: 1...30, faults: faults) { runtime in
      try await withNotes(on: runtime) { notes in
        let clients = (1...3).map { number in
          runtime.spawn { () -> String? in
            do {
              try await store("file-\(number)", by: notes.client(on: runtime.host()))
              return "file-\(number)"
            } catch is Unreachable {
              return nil
            }
          }
        }
        try await runtime.clock.sleep(for: .milliseconds(.random(in: 0...500)))
        runtime.note("the service is told to stop")
        let start = runtime.clock.now
        try await notes.stop()
        guard start.duration(to: runtime.clock.now) <= ServerOptions().shutdownGrace else { throw Wrong("it was late") }
        let files = notes.service.files
        let stored = names(in: files.directory)
        for name in stored {
          guard try File(reading: "\(files.directory)/\(name)").read(upTo: 100_000) == content(of: name) else {
            throw Wrong("\(name) is incomplete")
          }
        }
        for client in clients {
          if let name = try await client.value, !stored.contains(name) { throw Wrong("\(name) is lost") }
        }
      }
    }
  }

  @Test func `A client that sends half a note gets an error after the timeout`() async throws {
    try await simulate(seeds: 1...30, faults: .calm) { runtime in
      try await withNotes(on: runtime, patience: .seconds(10)) { notes in
        let stream = try await runtime.connect(to: notes.address)
        defer { stream.close() }
        let start = runtime.clock.now
        let head = "POST /notes HTTP/1.0\r\nAuthorization: Bearer s3cret\r\nContent-Type: application/json\r\n"
        try await stream.write(Array((head + "Content-Length: 30\r\n\r\n{\"name\":").utf8))
        let response = String(decoding: try await stream.read(), as: UTF8.self)
        let elapsed = start.duration(to: runtime.clock.now)
        guard response.hasPrefix("HTTP/1.1 503 "), .seconds(10)...(.seconds(11)) ~= elapsed else {
          throw Wrong("the response after \(elapsed) was \(response)")
        }
        try await notes.stop()
      }
    }
  }

  @Test func `An upload that a client of HTTP/2 resets leaves nothing`() async throws {
    try await simulate(seeds: 1...30, faults: .calm) { runtime in
      try await withNotes(on: runtime) { notes in
        let client = HTTP2TestClient(try await runtime.connect(to: notes.address))
        try await client.start()
        let upload = try await client.send("PUT", "/files/x", [("authorization", "Bearer s3cret")], ends: false)
        for _ in 0..<Int.random(in: 0...40) {
          try await client.send([UInt8](repeating: 7, count: 10_000), on: upload)
        }
        try await runtime.clock.sleep(for: .milliseconds(.random(in: 0...50)))
        try await client.reset(upload)
        // The connection stays usable.
        guard try await client.get("/notes").status == 200 else { throw Wrong("the connection does not work any more") }
        client.stream.close()
        try await notes.stop()
        let left = names(in: notes.service.files.directory)
        guard left.isEmpty else { throw Wrong("the files \(left) are left") }
      }
    }
  }

  // MARK: -

  private struct Unreachable: Error {}

  /// Stores a note and a file, both called `name`, repeatedly until the service acknowledges them, and checks that it
  /// returns the same content.
  private func store(_ name: String, by client: NotesClient<SimulatedRuntime>) async throws {
    let note = Array("{\"name\": \"\(name)\", \"text\": \"x\"}".utf8)
    // If the first response is lost, the second request finds the name taken.
    try await insist(client, "POST", "/notes", note) { $0.status == 201 || $0.status == 409 }
    try await insist(client, "PUT", "/files/\(name)", content(of: name)) { $0.status == 201 }
    let response = try await insist(client, "GET", "/files/\(name)") { $0.status == 200 }
    guard response.content == content(of: name) else { throw Wrong("the content of \(name) is wrong") }
  }

  @discardableResult
  private func insist(
    _ client: NotesClient<SimulatedRuntime>, _ method: String, _ target: String, _ content: [UInt8] = [],
    until isDone: ((status: Int, content: [UInt8])) -> Bool
  ) async throws -> (status: Int, content: [UInt8]) {
    for _ in 0..<30 {
      if let response = try? await client.ask(method, target, content), isDone(response) { return response }
      try await client.network.clock.sleep(for: .milliseconds(200))
    }
    throw Unreachable()
  }

  /// The service on a host of its own.
  private struct Notes: Sendable {
    let service: NotesService<SimulatedRuntime>
    let address: SocketAddress
    let serving: Task<Void, any Error>

    func client(on host: SimulatedRuntime) -> NotesClient<SimulatedRuntime> {
      NotesClient(network: host, address: address)
    }

    /// Stops the service as a signal does.
    func stop() async throws {
      serving.cancel()
      try await serving.value
    }
  }

  private func withNotes(
    on runtime: SimulatedRuntime, patience: Duration = .seconds(600), _ body: (Notes) async throws -> Void
  ) async throws {
    let host = runtime.host()
    try await withDirectory { directory in
      var service = notesService(on: host, in: directory)
      service.patience = patience
      var options = service.options
      options.observers = []
      options.log = { _ in }
      let server = try await Server(
        runtime: host, address: .ipv4(host.address, port: 80), options: options, handler: service.router)
      let serving = host.spawn { try await server.run() }
      try await body(Notes(service: service, address: server.localAddress, serving: serving))
    }
  }
}
