// Hummingbird as its users write it: a router with one route. PORT says where on 127.0.0.1, WORKERS on how many event
// loops; its handlers run on Swift's pool.
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
