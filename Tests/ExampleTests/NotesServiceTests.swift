import Runtime
import RuntimeCustom
import RuntimeHTTP
import RuntimeSelection
import Testing

@testable import notes_service

/// The notes service by plain calls, and over sockets on every runtime. Only public API is used, so that a reader can do
/// the same.
@Suite struct NotesServiceTests {
  // MARK: Plain calls

  /// The answer of the service to a request, without a server.
  private func ask(
    _ service: NotesService<some AsyncRuntime>, _ method: Method, _ target: String, _ content: String = "",
    _ headers: HeaderFields = ["Authorization": "Bearer s3cret", "Content-Type": "application/json"]
  ) async -> (status: UInt16, content: String) {
    let request = Request(
      method: method, target: target, headers: headers, body: RequestBody(Array(content.utf8)))
    let response = await service.router.response(to: request, options: service.options)
    let bytes = try? await response.body.collect(upTo: 100_000)
    return (response.status.code, String(decoding: bytes ?? [], as: UTF8.self))
  }

  @Test(arguments: [
    ("{}", 422), ("[]", 422), ("\"milk\"", 422), (#"{"name": "milk"}"#, 422), (#"{"name": "milk", "text": 1}"#, 422),
    (#"{"name": "milk", "text": "", "more": 1}"#, 422), (#"{"name": "milk", "text": ""}"#, 422),
    (#"{"name": "", "text": "x"}"#, 422), (#"{"name": "../x", "text": "x"}"#, 422),
    (#"{"name": ".x", "text": "x"}"#, 422),
    (#"{"name": "é", "text": "x"}"#, 422), (#"{"name": "milk" "text": "x"}"#, 400), ("", 400), ("nonsense", 400),
    (#"{"name": "milk", "text": "x"}"#, 201), (#"{"name": "a.b-c_9", "text": "x"}"#, 201),
  ])
  func `A note is checked before it is stored`(content: String, status: UInt16) async throws {
    try await withService { service in
      let answer = await ask(service, .post, "/notes", content)
      #expect(answer.status == status)
      #expect(service.notes.names.count == (status == 201 ? 1 : 0))
      // Every answer is JSON.
      _ = try JSON(Array(answer.content.utf8))
    }
  }

  @Test func `A note exists from its upload until its removal, and its name is taken`() async throws {
    try await withService { service in
      let milk = #"{"name": "milk", "text": "Two litres"}"#
      let stored = #"{"author":"anna","name":"milk","text":"Two litres"}"# + "\n"
      #expect(await ask(service, .get, "/notes/milk").status == 404)
      #expect(await ask(service, .post, "/notes", milk) == (201, stored))
      #expect(await ask(service, .post, "/notes", milk).status == 409)
      #expect(await ask(service, .get, "/notes/milk", "", [:]) == (200, stored))
      #expect(await ask(service, .get, "/notes", "", [:]) == (200, stored))
      #expect(await ask(service, .delete, "/notes/milk") == (204, ""))
      #expect(await ask(service, .delete, "/notes/milk").status == 404)
      #expect(await ask(service, .get, "/notes") == (200, ""))
    }
  }

  @Test func `Writing needs a key`() async throws {
    try await withService { service in
      for key in ["", "Bearer", "Bearer wrong", "Basic s3cret", "Bearer s3cret x"] {
        #expect(await ask(service, .put, "/files/x", "x", ["Authorization": key]).status == 401)
      }
      #expect(await ask(service, .put, "/files/x", "x", ["Authorization": "bearer s3cret"]).status == 201)
    }
  }

  @Test func `A note has to be JSON within the size limit`() async throws {
    try await withService { service in
      let key: HeaderFields = ["Authorization": "Bearer s3cret"]
      #expect(await ask(service, .post, "/notes", "{}", key).status == 415)
      let long = String(repeating: " ", count: Note.longest + 1)
      #expect(await ask(service, .post, "/notes", long).status == 413)
    }
  }

  @Test func `A long list is sent in pieces, in order`() async throws {
    try await withService { service in
      for number in (1000..<2000).shuffled() {
        guard let name = Name("note-\(number)") else { continue }
        #expect(service.notes.add(Note(name: name, text: "x", author: "anna")))
      }
      let lines = await ask(service, .get, "/notes").content.split(separator: "\n")
      #expect(lines.count == 1000 && lines == lines.sorted())
    }
  }

  @Test func `A file that is too long, or whose content ends early, changes nothing`() async throws {
    try await withService(longestFile: 10) { service in
      let files = service.files
      #expect(await ask(service, .put, "/files/x", "0123456789").status == 201)
      #expect(await ask(service, .get, "/files/x") == (200, "0123456789"))
      #expect(await ask(service, .put, "/files/y", "0123456789x").status == 413)
      #expect(await ask(service, .get, "/files/y").status == 404)
      let name = try #require(Name("x"))
      for ending in [nil, BodyError.disconnected] as [BodyError?] {
        // Its length is not known beforehand.
        let chunks = AsyncThrowingStream { chunks in
          for _ in 0..<2 { chunks.yield([UInt8](repeating: 7, count: ending == nil ? 6 : 4)) }
          chunks.finish(throwing: ending)
        }
        await #expect(throws: (any Error).self) { try await files.store(RequestBody(chunks), as: name) }
      }
      // The existing file is unchanged.
      #expect(names(in: files.directory) == ["x"])
      #expect(await ask(service, .get, "/files/x") == (200, "0123456789"))
    }
  }

  @Test func `A late task does not discard a file that has its name`() async throws {
    try await withDirectory { directory in
      for isPublished in [true, false] {
        let file = try File(temporaryIn: directory)
        try file.write(Array("content".utf8))
        if isPublished { try file.publish(as: "\(directory)/x") }
        file.discard()
        let length = try file.length
        #expect(length == (isPublished ? 7 : 0))
      }
      #expect(names(in: directory) == ["x"])
    }
  }

  private func withService(
    longestFile: Int = 1 << 30, _ body: (NotesService<CustomRuntime>) async throws -> Void
  ) async throws {
    let runtime = try CustomRuntime(workers: 1)
    do {
      try await withDirectory { try await body(notesService(on: runtime, in: $0, longestFile: longestFile)) }
    } catch {
      Issue.record(error)
    }
    await runtime.shutdown()
  }

  // MARK: A server on every runtime

  @Test(arguments: RuntimeKind.allCases)
  func `It is the same service on every runtime`(kind: RuntimeKind) async throws {
    let runtime = try RuntimeSettings(kind: kind, workers: 2).makeRuntime()
    do { try await checkThatItServes(on: runtime) } catch { Issue.record(error) }
    await runtime.shutdown()
  }

  private func checkThatItServes(on runtime: some AsyncRuntime) async throws {
    try await withDirectory { directory in
      let service = notesService(on: runtime, in: directory)
      var options = service.options
      options.observers = []
      (options.headTimeout, options.stallTimeout) = (.seconds(600), .seconds(600))
      let server = try await Server(
        runtime: runtime, address: .loopback(port: 0), options: options, handler: service.router)
      let serving = runtime.spawn { try await server.run() }
      let client = NotesClient(network: runtime, address: server.localAddress)
      let milk = Array(#"{"name": "milk", "text": "Two litres"}"#.utf8)
      #expect(try await client.ask("POST", "/notes", milk).status == 201)
      #expect(try await client.ask("POST", "/notes", milk).status == 409)
      #expect(
        try await client.ask("GET", "/notes").content == Array(
          #"{"author":"anna","name":"milk","text":"Two litres"}"#.utf8) + [0x0A])
      #expect(try await client.ask("GET", "/").content == Array("Notes, served on the runtime \(runtime.name).\n".utf8))
      let file = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 5) }
      #expect(try await client.ask("PUT", "/files/photo.jpg", file).status == 201)
      #expect(try await client.ask("GET", "/files/photo.jpg").content == file)
      let missing = try await client.ask("GET", "/nowhere")
      #expect(missing.status == 404)
      #expect(String(decoding: missing.content, as: UTF8.self) == "{\"error\":\"Not Found\",\"status\":404}\n")
      serving.cancel()
      try await serving.value
    }
  }
}
