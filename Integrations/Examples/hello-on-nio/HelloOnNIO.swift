import Glibc
import Runtime
import RuntimeHTTP
import RuntimeNIO
import RuntimeSelection

@main struct HelloOnNIO: RuntimeProgram {
  static func main() {
    HelloOnNIO().runOrExit(adding: "nio") { settings in
      try NIORuntime(loops: settings.workers, blocking: settings.blocking)
    }
  }

  func run(on runtime: some AsyncRuntime) async throws {
    var router = Router()
    router.get("/") { _ in .text("Hello from \(runtime.name)\n") }
    let port = getenv("PORT").flatMap { UInt16(String(cString: $0)) } ?? 8080
    let server = try await Server(runtime: runtime, address: .loopback(port: port), handler: router)
    try Signals.handle([.interrupt, .terminate]) { _ in runtime.execute { await server.shutdown() } }
    print("Listening on http://\(server.localAddress)")
    fflush(nil)
    try await server.run()
  }
}
