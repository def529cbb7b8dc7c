import Glibc
import NIOCore
import NIOPosix
import Runtime
import RuntimeHTTP
import RuntimeNIO

@main enum EngineInNIO {
  static func main() async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let runtime = try NIORuntime(group: group)
    var router = Router()
    router.get("/") { _ in .text("Hello from a channel of SwiftNIO's\n") }
    let server = Server(runtime: runtime, handler: router)

    let port = getenv("PORT").flatMap { Int(String(cString: $0)) } ?? 8080
    let listening = try await ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let stream = try NIOStream(channel)
          runtime.execute { try? await server.serve(stream) }
        }
      }
      .bind(host: "127.0.0.1", port: port).get()
    print("Listening on http://127.0.0.1:\(listening.localAddress?.port ?? port)")
    fflush(nil)

    try Signals.handle([.interrupt, .terminate]) { _ in listening.close(promise: nil) }
    try await listening.closeFuture.get()
    await server.shutdown()
    await runtime.shutdown()
  }
}
