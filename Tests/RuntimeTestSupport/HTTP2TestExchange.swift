import RuntimeHTTP

/// The messages received on one stream of an ``HTTP2TestClient``, checked for their order and form.
struct HTTP2TestExchange {
  let method: String
  /// The windows of the server and of the client.
  var sendWindow: SendWindow
  var receiveWindow: SendWindow
  /// The statuses of its heads, including interim ones.
  private(set) var statuses: [String] = []
  /// The last interim response.
  private(set) var interim: TestResponse?
  /// The response, once its head has arrived.
  private(set) var response: TestResponse?
  private(set) var hasEnded = false
  /// The error code of the server's reset, if it has reset the stream.
  private(set) var error: UInt32?
  /// Whether the client has reset it, so that later frames are ignored.
  var isGivenUp = false

  init(_ method: String, sendWindow: Int, receiveWindow: Int) {
    self.method = method
    self.sendWindow = SendWindow(sendWindow)
    self.receiveWindow = SendWindow(receiveWindow)
  }

  /// Handles a head or trailers (RFC 9113 section 8.1).
  mutating func receive(_ lines: [(name: String, value: String)], ends: Bool) throws {
    try requireOpen()
    if response != nil {
      guard ends else { throw TestClientError.malformed("a second head") }
      try Self.check(lines)
      response?.trailers = lines
      return try end()
    }
    guard let first = lines.first, first.name == ":status", first.value.utf8.count == 3, let status = Int(first.value),
      100..<600 ~= status
    else { throw TestClientError.malformed("a response without a status") }
    let fields = Array(lines.dropFirst())
    try Self.check(fields)
    statuses.append(first.value)
    let head = TestResponse(version: "HTTP/2", status: status, reason: "", fields: fields)
    if status < 200 {
      guard !ends, status != 101 else { throw TestClientError.malformed("a final \(status)") }
      interim = head
    } else {
      response = head
      if ends { try end() }
    }
  }

  /// Handles content.
  mutating func receive(_ content: [UInt8], ends: Bool) throws {
    try requireOpen()
    guard response != nil else { throw TestClientError.malformed("content without a head") }
    response?.body += content
    if ends { try end() }
  }

  /// Handles the server's RST_STREAM.
  mutating func reset(_ code: UInt32) throws {
    guard error == nil else { throw TestClientError.malformed("a reset after a reset") }
    error = code
  }

  private mutating func end() throws {
    hasEnded = true
    guard let response, method != "HEAD", response.status != 304 else { return }
    // Section 8.1.1.
    if let length = response["content-length"], Int(length) != response.body.count {
      throw TestClientError.malformed("\(response.body.count) bytes of content instead of \(length)")
    }
  }

  private func requireOpen() throws {
    guard !hasEnded, error == nil else { throw TestClientError.malformed("a frame after the end of its stream") }
  }

  /// Section 8.2: names are in lower case, and are neither pseudo-header fields nor HTTP/1 connection fields.
  private static func check(_ fields: [(name: String, value: String)]) throws {
    let forbidden = ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"]
    for (name, value) in fields {
      var field = HeaderFields()
      try field.append(name, value)
      guard name == name.lowercased(), !forbidden.contains(name) else {
        throw TestClientError.malformed("field: \(name)")
      }
    }
  }
}

/// The error for a stream that the server has reset although the test waits for it.
package struct TestStreamError: Error, Equatable {
  package var code: UInt32
}
