import Hummingbird
import IntegrationTestSupport
import NIOCore
import RuntimeHummingbird
import RuntimeSelection
import Testing

/// The channel of a context that asks for one.
@Suite(.timeLimit(.minutes(2))) struct ChannelTests {
  @Test(arguments: RuntimeKind.allCases)
  func `it knows the client's address, refuses everything else, and ends with the exchange`(
    _ kind: RuntimeKind
  ) async throws {
    let (closed, close) = AsyncStream<Void>.makeStream()
    let router = Router(context: ChannelContext.self)
    router.get("/") { _, context in
      let channel = context.channel
      channel.closeFuture.whenComplete { _ in close.finish() }
      let attempts: [(String, EventLoopFuture<Void>)] = [
        ("close", channel.close()), ("write", channel.writeAndFlush(1)),
        ("option", channel.setOption(.autoRead, value: false)),
        ("timer", channel.eventLoop.scheduleTask(in: .seconds(1)) {}.futureResult),
        ("event", channel.triggerUserOutboundEvent(1)),
      ]
      var lines = ["\(channel.remoteAddress?.ipAddress ?? "-") \(channel.isActive)"]
      for (name, future) in attempts {
        do {
          try await future.get()
          lines.append("\(name) was done")
        } catch {
          lines.append("\(name) \(error is EngineOwnsConnection)")
        }
      }
      lines.append("submit \(try await channel.eventLoop.submit { channel.eventLoop.inEventLoop }.get())")
      return lines.joined(separator: ", ")
    }
    try await withServer(on: kind, handler: HummingbirdHandler(router: router)) { server in
      let answer = try await server.exchange("GET / HTTP/1.0\r\n\r\n")
      #expect(
        answer.hasSuffix(
          "\r\n\r\n127.0.0.1 true, close true, write true, option true, timer true, event true, submit true"))
      for await _ in closed {}
    }
  }
}
