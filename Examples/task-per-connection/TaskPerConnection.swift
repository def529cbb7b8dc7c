import ConnectionHandler
import Glibc
import HelloSite
import Runtime
import RuntimeSelection

/// The server of chapter 2 with a task for each connection.
@main struct TaskPerConnection: RuntimeProgram {
  static func main() { TaskPerConnection().runOrExit() }

  func run(on runtime: some AsyncRuntime) async throws {
    let listener = try await runtime.listen(on: .loopback(port: Settings.port))
    print("Listening on http://\(listener.localAddress)")
    fflush(nil)
    try await serve(listener, clock: runtime.clock)
  }

  func serve(_ listener: some StreamListener, clock: some Clock<Duration>) async throws {
    try await withThrowingDiscardingTaskGroup { connections in
      while true {
        let stream = try await listener.accept()
        connections.addTask {
          // A client that resets its connection does not stop the server.
          try? await handleConnection(stream, clock: clock, sleep: Settings.sleep)
        }
      }
    }
  }
}
