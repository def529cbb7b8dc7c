// SwiftNIO with a single handler, which answers any request with "Hello, World!". It listens on PORT of 127.0.0.1 with
// WORKERS event loops.
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Answers at the end of a request.
final class Hello: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let body = ByteBuffer(string: "Hello, World!")

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .end = unwrapInboundIn(data) else { return }
    let headers = HTTPHeaders([("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "13")])
    let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

func setting(_ name: String, unlessSet standard: Int) -> Int {
  ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? standard
}

@main struct Main {
  static func main() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: setting("WORKERS", unlessSet: 2))
    let server = try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 4096)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.pipeline.configureHTTPServerPipeline().flatMapThrowing {
          try channel.pipeline.syncOperations.addHandler(Hello())
        }
      }
      .bind(host: "127.0.0.1", port: setting("PORT", unlessSet: 8080)).get()
    try await server.closeFuture.get()
  }
}
