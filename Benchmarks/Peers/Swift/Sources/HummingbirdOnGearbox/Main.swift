// The router of HummingbirdHello on Gearbox's engine. It listens on PORT of 127.0.0.1; RUNTIME and RUNTIME_WORKERS
// choose the runtime.
import Foundation
import Hummingbird
import Runtime
import RuntimeHummingbird
import RuntimeSelection

import class RuntimeHTTP.Server

@main struct Main: RuntimeProgram {
  static func main() { Main().runOrExit() }

  func run(on runtime: some AsyncRuntime) async throws {
    let router = Router()
    router.get("plaintext") { _, _ in "Hello, World!" }
    let port = ProcessInfo.processInfo.environment["PORT"].flatMap { UInt16($0) } ?? 8080
    let server = try await RuntimeHTTP.Server(
      runtime: runtime, address: .loopback(port: port), handler: HummingbirdHandler(router: router))
    try await server.run()
  }
}
