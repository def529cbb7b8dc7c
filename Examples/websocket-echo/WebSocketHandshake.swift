import Runtime
import RuntimeHTTP

extension Response {
  /// A response after which `talk` uses the connection as a WebSocket. It answers a GET with `Upgrade` over HTTP/1.1
  /// (RFC 6455 section 4.2) and an extended CONNECT over HTTP/2 (RFC 8441).
  static func webSocket(
    for request: Request, _ talk: @escaping @Sendable (inout WebSocket) async throws -> Void
  ) throws(HTTPError) -> Response {
    guard request.offersUpgrade(to: "websocket") else {
      throw HTTPError(.upgradeRequired, headers: ["Upgrade": "websocket"])
    }
    guard request.headers["Sec-WebSocket-Version"] == "13" else {
      throw HTTPError(.upgradeRequired, headers: ["Upgrade": "websocket", "Sec-WebSocket-Version": "13"])
    }
    var headers: HeaderFields = [:]
    // HTTP/2 needs no key: an extended CONNECT cannot be sent by mistake.
    if request.version < .http2 {
      // The key is 16 bytes in Base64.
      guard let key = request.headers["Sec-WebSocket-Key"], key.utf8.count == 24, key.hasSuffix("==") else {
        throw HTTPError(.badRequest, "There is no Sec-WebSocket-Key.")
      }
      headers["Sec-WebSocket-Accept"] = webSocketAccept(forKey: key)
    }
    return .upgrade(to: "websocket", headers: headers) { stream in
      var socket = WebSocket(stream)
      try await talk(&socket)
    }
  }
}

/// The value of `Sec-WebSocket-Accept` that shows that the server has read `key` (RFC 6455 section 4.2.2).
func webSocketAccept(forKey key: String) -> String {
  base64(sha1(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
}

/// `bytes` in Base64 (RFC 4648 section 4).
private func base64(_ bytes: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var text: [UInt8] = []
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
    for place in 0..<4 {
      text.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
    }
  }
  return String(decoding: text, as: UTF8.self)
}
