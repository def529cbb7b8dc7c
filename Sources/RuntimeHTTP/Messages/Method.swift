/// What a request asks to be done (RFC 9110 section 9, and RFC 5789 for `PATCH`).
///
/// A request with any other method is answered with ``Status/notImplemented`` before a handler sees it.
public enum Method: String, Hashable, Sendable, CaseIterable {
  /// Transfer a representation of the target.
  case get = "GET"
  /// As GET, but without the content.
  case head = "HEAD"
  /// Let the target process the content.
  case post = "POST"
  /// Replace the target with the content.
  case put = "PUT"
  /// Remove the target.
  case delete = "DELETE"
  /// Open a tunnel to the target.
  case connect = "CONNECT"
  /// Say how one may talk to the target.
  case options = "OPTIONS"
  /// Send back the request as it came.
  case trace = "TRACE"
  /// Change part of the target.
  case patch = "PATCH"

  /// The method that `token` spells; methods are case-sensitive.
  init?(token: Span<UInt8>) {
    func spells(_ method: StaticString) -> Bool {
      method.withUTF8Buffer { characters in
        for index in token.indices where token[index] != characters[index] { return false }
        return true
      }
    }
    switch token.count {
    case 3 where spells("GET"): self = .get
    case 3 where spells("PUT"): self = .put
    case 4 where spells("POST"): self = .post
    case 4 where spells("HEAD"): self = .head
    case 5 where spells("PATCH"): self = .patch
    case 5 where spells("TRACE"): self = .trace
    case 6 where spells("DELETE"): self = .delete
    case 7 where spells("OPTIONS"): self = .options
    case 7 where spells("CONNECT"): self = .connect
    default: return nil
    }
  }
}

extension Method: CustomStringConvertible {
  /// The method as it is sent.
  public var description: String { rawValue }
}
