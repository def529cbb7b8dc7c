import Glibc
public import RuntimeHTTP

/// A handler that prints each request with its headers and content, and answers with a greeting.
public struct Hello: Handler {
  private let say: @Sendable (String) -> Void

  /// - Parameter say: receives the text of each request. The default prints it.
  public init(say: @escaping @Sendable (String) -> Void = Self.print) { self.say = say }

  public func respond(to request: Request) async throws -> Response {
    let content = try await request.body.collect(upTo: 64 * 1024)
    var text = "\(request.method) \(request.target) \(request.version)\n\(request.headers)\n"
    if !content.isEmpty { text += "\n\(String(decoding: content, as: UTF8.self))\n" }
    say(text)
    return .text("Hello, World!\n")
  }

  /// Prints `line` immediately, even if standard output is a pipe.
  public static func print(_ line: String) {
    Swift.print(line)
    fflush(nil)
  }
}
