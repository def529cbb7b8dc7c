import FlyingSocks
import Foundation
import Runtime
import RuntimeCustom
import RuntimeKit

import struct RuntimeHTTP.Router
import class RuntimeHTTP.Server

/// Serves connections that FlyingFox's sockets have accepted with Gearbox's engine.
@main enum EngineOnFlyingSocks {
  static func main() throws {
    try CustomRuntime().run { runtime in
      var router = Router()
      router.get("/") { _ in .text("Hello from a socket of FlyingFox's\n") }
      let server = Server(runtime: runtime, handler: router)

      let listening = try Socket(domain: AF_INET)
      try listening.setValue(true, for: .localAddressReuse)
      let port = ProcessInfo.processInfo.environment["PORT"].flatMap { UInt16($0) } ?? 8080
      try listening.bind(to: .inet(ip4: "127.0.0.1", port: port))
      try listening.listen()
      if case .ip4(let host, let port) = try listening.sockname() {
        print("Listening on http://\(host):\(port) (runtime \(runtime.name))")
        fflush(nil)
      }

      let pool: some AsyncSocketPool = .make()
      try await pool.prepare()
      async let events: Void = pool.run()
      for try await connection in try AsyncSocket(socket: listening, pool: pool).sockets {
        // The stream owns the descriptor from now on, and closes it.
        let stream = try runtime.adopt(connection.socket.file.rawValue)
        runtime.execute { try? await server.serve(stream) }
      }
      try await events
    }
  }
}
