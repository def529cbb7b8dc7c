import Glibc
import Runtime
import RuntimeHTTP
import RuntimeSelection

/// A small service for notes and files, over HTTP/1.1 and HTTP/2; see `docs/writing-a-service.md`.
@main struct Main: RuntimeProgram {
  static func main() { Main().runOrExit() }

  func run(on runtime: some AsyncRuntime) async throws {
    let settings = try Settings()
    guard mkdir(settings.directory, 0o700) == 0 || errno == EEXIST else { throw FileError("mkdir") }
    let files = FileStore(runtime: runtime, directory: settings.directory, longest: settings.longestFile)
    let service = NotesService(runtime: runtime, callers: settings.callers, files: files)
    let server = try await Server(
      runtime: runtime, address: .loopback(port: settings.port), options: service.options, handler: service.router)

    let signals = try Signals([.interrupt, .terminate])
    print("Listening on http://\(server.localAddress)")
    fflush(nil)
    // Cancelling the task shuts the server down gracefully.
    let serving = runtime.spawn { try await server.run() }
    let stopping = runtime.spawn { for await _ in signals { serving.cancel() } }
    try await serving.value
    stopping.cancel()
    print("Stopped")
  }
}
