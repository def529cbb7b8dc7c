import HelloHandler
import HelloSite
import Runtime
import RuntimeHTTP
import RuntimeSelection

/// A minimal HTTP/1.1 server on the engine.
@main struct HelloHTTP1: RuntimeProgram {
  static func main() { HelloHTTP1().runOrExit() }

  func run(on runtime: some AsyncRuntime) async throws {
    let listener = try await runtime.listen(on: .loopback(port: Settings.port))
    Hello.print("Listening on http://\(listener.localAddress)")
    try await serve(listener, clock: runtime.clock, handler: Hello())
  }

  func serve(
    _ listener: some StreamListener, clock: some Clock<Duration>, handler: some Handler
  ) async throws {
    try await withThrowingDiscardingTaskGroup { connections in
      while true {
        let stream = try await listener.accept()
        connections.addTask {
          await serveConnection(stream, speaking: .http1, clock: clock, handler: handler)
        }
      }
    }
  }
}
