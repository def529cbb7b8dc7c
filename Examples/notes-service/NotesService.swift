import Runtime
import RuntimeHTTP

/// The service: its routes and its server options, on any runtime.
struct NotesService<R: AsyncRuntime>: Sendable {
  let runtime: R
  /// The names of the callers that may write, by key.
  let callers: [String: String]
  let files: FileStore<R>
  let notes = NoteStore()
  /// How long a client may take to send a note.
  var patience = Duration.seconds(10)

  /// The routes.
  var router: Router {
    let (notes, files) = (notes, files)
    var router = Router()
    router.get("/") { [name = runtime.name] _ in .text("Notes, served on the runtime \(name).\n") }
    router.get("/notes") { _ in .lines(of: notes) }
    router.get("/notes/:name") { request in
      guard let note = notes[try request.name] else { throw HTTPError(.notFound, "There is no such note.") }
      return .json(note.json)
    }
    router.get("/files/:name") { request in try await files.response(with: request.name) }

    router.group(using: [RequireKey(callers: callers)]) { writing in
      writing.post("/notes", using: [TimeLimit(patience, on: runtime.clock)]) { request in
        let note = try await Note(request, by: request.caller)
        guard notes.add(note) else { throw HTTPError(.conflict, "There is a note called \(note.name.text).") }
        var response = Response.json(note.json, status: .created)
        response.headers["Location"] = "/notes/\(note.name.text)"
        return response
      }
      writing.delete("/notes/:name") { request in
        guard notes.remove(try request.name) else { throw HTTPError(.notFound, "There is no such note.") }
        return Response(status: .noContent)
      }
      writing.put("/files/:name") { request in
        let name = try request.name
        let length = try await files.store(request.body, as: name)
        return .json(.object(["name": .string(name.text), "length": .number(Double(length))]), status: .created)
      }
    }
    return router
  }

  /// The server's options: errors are JSON, and each request is logged.
  var options: ServerOptions {
    var options = ServerOptions()
    options.errorResponse = { error, _ in
      let text = error.message ?? error.status.reasonPhrase
      let json = JSON.object(["status": .number(Double(error.status.code)), "error": .string(text)])
      return .json(json, status: error.status)
    }
    options.observers = [AccessLog { LineWriter.standardError.write($0) }]
    return options
  }
}

extension Response {
  /// A response with a line of JSON.
  static func json(_ json: JSON, status: Status = .ok) -> Response { .json(json.bytes + "\n".utf8, status: status) }

  /// A response with all notes, a line of JSON for each, produced while it is sent.
  static func lines(of notes: NoteStore) -> Response {
    let body = ResponseBody.stream { writer in
      var lines: [UInt8] = []
      // A note that is removed meanwhile is left out.
      for note in notes.names.lazy.compactMap({ notes[$0] }) {
        lines += note.json.bytes + "\n".utf8
        // Each write is sent at once, so collect lines first.
        if lines.count >= 16 * 1024 {
          try await writer.write(lines)
          lines.removeAll(keepingCapacity: true)
        }
      }
      try await writer.write(lines)
    }
    return Response(headers: ["Content-Type": "application/x-ndjson"], body: body)
  }
}
