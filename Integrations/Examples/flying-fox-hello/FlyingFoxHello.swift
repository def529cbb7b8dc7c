import FlyingFox
import FlyingSocks
import Foundation
import Runtime
import RuntimeSelection

import class RuntimeHTTP.Server

/// Routes of FlyingFox, answered by Gearbox's engine on any runtime.
@main struct FlyingFoxHello: RuntimeProgram {
  static func main() { FlyingFoxHello().runOrExit() }

  func run(on runtime: some AsyncRuntime) async throws {
    var routes = RoutedHTTPHandler()
    routes.appendRoute("GET /hello/:name") { (name: String) in
      HTTPResponse(statusCode: .ok, body: Data("Hello, \(name)\n".utf8))
    }
    routes.appendRoute("POST /length") { request in
      var length = 0
      for try await data in request.bodySequence { length += data.count }
      return HTTPResponse(statusCode: .ok, body: Data("\(length) bytes\n".utf8))
    }
    routes.appendRoute("GET /count") { _ in
      let numbers = AsyncStream<UInt8> { continuation in
        for digit in "12345\n".utf8 { continuation.yield(digit) }
        continuation.finish()
      }
      return HTTPResponse(statusCode: .ok, body: HTTPBodySequence(from: Bytes(base: numbers)))
    }
    let port = ProcessInfo.processInfo.environment["PORT"].flatMap { UInt16($0) } ?? 8080
    let server = try await Server(
      runtime: runtime, address: .loopback(port: port), handler: FlyingFoxHandler(base: routes))
    print("Listening on http://\(server.localAddress) (runtime \(runtime.name))")
    fflush(nil)
    try await server.run()
  }
}

/// Bytes without a stated count.
private struct Bytes: AsyncBufferedSequence {
  let base: AsyncStream<UInt8>

  struct AsyncIterator: AsyncBufferedIteratorProtocol {
    var base: AsyncStream<UInt8>.Iterator

    mutating func next() async -> UInt8? { await base.next() }
    mutating func nextBuffer(suggested count: Int) async -> CollectionOfOne<UInt8>? {
      await base.next().map { CollectionOfOne($0) }
    }
  }

  func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }
}
