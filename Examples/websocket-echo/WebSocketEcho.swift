import Glibc
import HelloSite
import Runtime
import RuntimeHTTP
import RuntimeSelection

/// A WebSocket server over HTTP/1.1 and HTTP/2 that sends back each message.
@main struct WebSocketEcho: RuntimeProgram {
  static func main() { WebSocketEcho().runOrExit() }

  func run(on runtime: some AsyncRuntime) async throws {
    let server = try await Server(
      runtime: runtime, address: .loopback(port: Settings.port), handler: Self.router)
    print("Listening on ws://\(server.localAddress)")
    fflush(nil)
    try await server.run()
  }

  static var router: Router {
    var router = Router()
    router.upgrade("/") { request in
      try .webSocket(for: request) { socket in
        while let message = try await socket.receive() { try await socket.send(message) }
      }
    }
    return router
  }
}
