/// Decides whether a response has content, and which length its head declares, for both versions of HTTP (RFC 9110
/// sections 6.4.1 and 8.6).
struct ResponseFraming {
  private(set) var hasContent = false
  private(set) var length: Int?
  /// Whether an HTTP/1 connection closes after the response, unless it becomes a tunnel. After CONNECT, a client may
  /// have sent bytes that are meant for the other end of the tunnel, and those must not be parsed as requests.
  private(set) var endsConnection = false

  /// - Parameters:
  ///   - length: The length of the response's content, if known.
  ///   - declared: The length in its fields, which is used if nothing better is known.
  ///   - method: The method of the request.
  @inline(__always)
  init(_ status: Status, length: Int?, declared: @autoclosure () -> Int?, to method: Method) {
    if status.code == 200, method == .get, let length {
      // The case of nearly all responses.
      (hasContent, self.length) = (true, length)
    } else {
      decide(status, length: length, declared: declared(), to: method)
    }
  }

  /// Returns whether a response with `status` to a request with `method` has content, whatever its handler provides.
  static func hasContent(_ status: Status, to method: Method) -> Bool {
    ResponseFraming(status, length: nil, declared: nil, to: method).hasContent
  }

  @inline(never)
  private mutating func decide(_ status: Status, length: Int?, declared: Int?, to method: Method) {
    endsConnection = method == .connect
    if method == .connect, status.isSuccess {
      // RFC 9110 section 9.3.6: a tunnel follows such a head, and a response that is not a takeover has nothing to send
      // in it.
      return
    } else if status.code == 205 {
      // RFC 9110 section 15.3.6: it has no content, and its length must say so.
      self.length = 0
    } else if status.code == 304 || method == .head && !status.forbidsContent {
      // RFC 9110 section 8.6: the length that GET would declare, or none. A handler without content may have left it
      // out.
      self.length = length == 0 || status.code == 304 ? declared : length ?? declared
    } else if !status.forbidsContent {
      self.length = length ?? declared
      hasContent = true
    }
  }
}
