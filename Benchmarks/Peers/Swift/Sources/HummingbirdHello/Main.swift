// A typical Hummingbird program: a router with one route. It listens on PORT of 127.0.0.1 with WORKERS event loops. Its
// handlers run on Swift's pool.
import Foundation
import Hummingbird
import NIOPosix

func setting(_ name: String, unlessSet standard: Int) -> Int {
  ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? standard
}

@main struct Main {
  static func main() async throws {
    let router = Router()
    router.get("plaintext") { _, _ in "Hello, World!" }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: setting("WORKERS", unlessSet: 2))
    let application = Application(
      router: router,
      configuration: .init(address: .hostname("127.0.0.1", port: setting("PORT", unlessSet: 8080)), backlog: 4096),
      eventLoopGroupProvider: .shared(group))
    try await application.runService()
  }
}
