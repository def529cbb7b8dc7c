/// The pages of the first servers of the road: two pages, and one that is slow.
///
/// It does no input or output, so that every server can share it.
public enum Page: Sendable {
  /// `/`
  case hello
  /// `/sleep`: the hello page, but only after a while.
  case sleep
  /// Anything else.
  case notFound

  /// The page that the request in `bytes` asks for; `nil` while its head is incomplete.
  public init?(request bytes: [UInt8]) {
    // A head ends with an empty line (RFC 9112, section 2.1). Content after it is ignored.
    guard bytes.contains("\r\n\r\n".utf8) else { return nil }
    let requestLine = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
    self =
      switch requestLine {
      case "GET / HTTP/1.1": .hello
      case "GET /sleep HTTP/1.1": .sleep
      default: .notFound
      }
  }

  /// The maximum length of a request's head in bytes, beyond which a server gives up.
  public static let longestRequest = 8192

  /// The whole response: status line, headers, an empty line, HTML.
  public var response: [UInt8] {
    let (status, title, text) =
      switch self {
      case .hello, .sleep: ("200 OK", "Hello!", "Hi from Swift")
      case .notFound: ("404 Not Found", "Oops!", "There is no such page.")
      }
    let html = "<!DOCTYPE html>\n<title>\(title)</title>\n<h1>\(title)</h1>\n<p>\(text)</p>\n"
    let head = [
      "HTTP/1.1 \(status)", "Content-Type: text/html; charset=utf-8", "Content-Length: \(html.utf8.count)",
      "Connection: close",
    ]
    return Array((head.joined(separator: "\r\n") + "\r\n\r\n" + html).utf8)
  }
}
