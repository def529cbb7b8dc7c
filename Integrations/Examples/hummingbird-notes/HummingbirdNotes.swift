import Hummingbird
import HummingbirdCore
import NIOCore
import Runtime
import RuntimeHummingbird
import RuntimeSelection

/// An application of Hummingbird: notes as JSON, and a stream of events.
@main struct HummingbirdNotes: RuntimeProgram {
  static func main() { HummingbirdNotes().runOrExit() }

  func run(on runtime: some AsyncRuntime) async throws {
    let port = Environment().get("PORT", as: UInt16.self) ?? 8080
    let application = Application(
      router: makeRouter(), configuration: ApplicationConfiguration(serverName: "notes"))
    // On SwiftNIO this line was: try await application.runService()
    try await application.runService(on: runtime, address: .loopback(port: port))
  }

  private func makeRouter() -> Router<BasicRequestContext> {
    let notes = MemoryPersistDriver()
    let router = Router()
    router.add(middleware: CORSMiddleware())
    router.put("/notes/:name") { request, context in
      let note = try await request.decode(as: Note.self, context: context)
      try await notes.set(key: try context.parameters.require("name"), value: note)
      return HTTPResponse.Status.created
    }
    router.get("/notes/:name") { _, context in
      guard let note = try await notes.get(key: try context.parameters.require("name"), as: Note.self) else {
        throw HTTPError(.notFound, message: "There is no such note.")
      }
      return note
    }
    router.get("/events") { request, _ in
      Response(
        status: .ok, headers: [.contentType: "text/event-stream"],
        body: ResponseBody { writer in
          try await request.body.consumeWithCancellationOnInboundClose { [writer] _ in
            var writer = writer
            for number in 1...3 {
              try await writer.write(ByteBuffer(string: "data: \(number)\n\n"))
              try await Task.sleep(for: .milliseconds(50))
            }
          }
          try await writer.finish(nil)
        })
    }
    return router
  }
}

struct Note: ResponseCodable {
  var text: String
}
