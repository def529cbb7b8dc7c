import Glibc
import Runtime
import RuntimeConsole
import RuntimeHTTP
import RuntimeSelection

/// A service that shows what it is doing. Usage: watched-service [ADDRESS]
struct Service: RuntimeProgram {
  let address: SocketAddress
  let stalls: StallLog

  func run(on runtime: some AsyncRuntime) async throws {
    let console = Console(runtime: runtime, stalls: stalls)
    var router = Router()
    router.get("/hello/:name") { request in .text("Hello, \(request.parameters["name"] ?? "you")!\n") }
    console.addMetrics(to: &router)  // /metrics
    router.group("/internal") { console.addPages(to: &$0) }  // /internal/console

    var options = ServerOptions()
    options.observers.append(console.requests)
    let server = try await Server(runtime: runtime, address: address, options: options, handler: router)
    console.show(server)
    print("Serving on http://\(server.localAddress)")
    fflush(nil)
    try await server.run()
  }
}

@main enum Main {
  static func main() throws {
    let stalls = StallLog()
    let address = CommandLine.arguments.dropFirst().first.flatMap { SocketAddress($0) } ?? .loopback(port: 8080)
    try RuntimeSettings.fromEnvironment().run(Service(address: address, stalls: stalls)) { stall in
      ErrorLog.standard.write(stall)
      stalls.add(stall)
    }
  }
}
