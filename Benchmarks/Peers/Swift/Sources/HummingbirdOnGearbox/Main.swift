// The router of HummingbirdHello on Gearbox's engine. PORT says where on 127.0.0.1; RUNTIME and RUNTIME_WORKERS, on what.
// With INBOUND_CLOSE=1 the route may call consumeWithCancellationOnInboundClose, which it does not.
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
    let environment = ProcessInfo.processInfo.environment
    let sparesInboundClose = environment["INBOUND_CLOSE"] != "1"
    let handler = HummingbirdHandler(router: router, sparesInboundClose: { _ in sparesInboundClose })
    let port = environment["PORT"].flatMap { UInt16($0) } ?? 8080
    let server = try await RuntimeHTTP.Server(runtime: runtime, address: .loopback(port: port), handler: handler)
    try await server.run()
  }
}
