import Glibc
public import RuntimeHTTP

/// Says what it was asked, headers and content and all, and answers with a greeting.
public struct Hello: Handler {
  private let say: @Sendable (String) -> Void

  /// - Parameter say: where the requests go; printed, unless given.
  public init(say: @escaping @Sendable (String) -> Void = Self.print) { self.say = say }

  public func respond(to request: Request) async throws -> Response {
    let content = try await request.body.collect(upTo: 64 * 1024)
    var text = "\(request.method) \(request.target) \(request.version)\n\(request.headers)\n"
    if !content.isEmpty { text += "\n\(String(decoding: content, as: UTF8.self))\n" }
    say(text)
    return .text("Hello, World!\n")
  }

  /// Prints `line`, at once even if standard output is a pipe.
  public static func print(_ line: String) {
    Swift.print(line)
    fflush(nil)
  }
}
