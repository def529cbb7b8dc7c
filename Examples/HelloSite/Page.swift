/// What the first servers of the road serve: two pages, and one that takes its time.
///
/// Nothing here reads or writes, so that it stays the same while the ways of reading and writing change.
public enum Page: Sendable {
  /// `/`
  case hello
  /// `/sleep`: the hello page, but only after a while.
  case sleep
  /// Anything else.
  case notFound

  /// The page that is asked for by the request whose head `bytes` begin with; `nil` as long as the head has not ended.
  public init?(request bytes: [UInt8]) {
    // A head ends with an empty line (RFC 9112, section 2.1). What may follow is of no interest here.
    guard bytes.contains("\r\n\r\n".utf8) else { return nil }
    let requestLine = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
    self =
      switch requestLine {
      case "GET / HTTP/1.1": .hello
      case "GET /sleep HTTP/1.1": .sleep
      default: .notFound
      }
  }

  /// The longest request that a server should read before it gives up on it, in bytes.
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
