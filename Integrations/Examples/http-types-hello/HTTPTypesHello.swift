import Glibc
import HTTPTypes
import Runtime
import RuntimeHTTP
import RuntimeHTTPTypes
import RuntimeSelection

/// A server whose handler is written in the types of swift-http-types.
@main struct HTTPTypesHello: RuntimeProgram {
  static func main() { HTTPTypesHello().runOrExit() }

  let handler = HTTPTypesHandler { request, context in
    switch (request.method, request.path) {
    case (.get, "/"):
      return (HTTPResponse(status: .ok, headerFields: [.contentType: "text/plain"]), .string("Hello\n"))
    case (.post, "/length"):
      var length = 0
      for try await chunk in context.body { length += chunk.count }
      return (HTTPResponse(status: .ok), .string("\(length) bytes\n"))
    default:
      return (HTTPResponse(status: .notFound), .empty)
    }
  }

  func run(on runtime: some AsyncRuntime) async throws {
    let port = getenv("PORT").flatMap { UInt16(String(cString: $0)) } ?? 8080
    let server = try await Server(runtime: runtime, address: .loopback(port: port), handler: handler)
    print("Listening on http://\(server.localAddress) (runtime \(runtime.name))")
    fflush(nil)
    try await server.run()
  }
}
