import Glibc
import HelloSite
import PollRuntime
import Runtime
import RuntimeHTTP

/// The program of README.md on `PollRuntime`.
@main struct HelloOnPoll {
  static func main() throws {
    try PollRuntime().run { runtime in
      var router = Router()
      router.get("/") { _ in .text("Hello from \(runtime.name)\n") }
      router.get("/wait") { _ in
        try await runtime.clock.sleep(for: .seconds(1))
        return .text("That took a second, and other requests did not wait.\n")
      }
      let server = try await Server(runtime: runtime, address: .loopback(port: Settings.port), handler: router)
      print("Listening on http://\(server.localAddress)")
      fflush(nil)
      try await server.run()
    }
  }
}
