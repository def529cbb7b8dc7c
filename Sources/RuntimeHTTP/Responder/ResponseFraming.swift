/// Whether a response has content, and which length its head says, whichever version of HTTP carries it (RFC 9110 sections
/// 6.4.1 and 8.6).
struct ResponseFraming {
  private(set) var hasContent = false
  private(set) var length: Int?
  /// Whether a connection of HTTP/1 ends with the response, unless it becomes a tunnel: a client of CONNECT may have sent
  /// what is meant for the other end of that, and what looks like a request in there must not be taken for one.
  private(set) var endsConnection = false

  /// - Parameters:
  ///   - length: how much content the response has to send, if that is known.
  ///   - declared: the length that its fields say, for where nothing better is known.
  ///   - method: what the request asked for.
  @inline(__always)
  init(_ status: Status, length: Int?, declared: @autoclosure () -> Int?, to method: Method) {
    if status.code == 200, method == .get, let length {
      // What nearly every response is.
      (hasContent, self.length) = (true, length)
    } else {
      decide(status, length: length, declared: declared(), to: method)
    }
  }

  /// Whether a response with `status` to a request with `method` has content, whatever its handler has for it.
  static func hasContent(_ status: Status, to method: Method) -> Bool {
    ResponseFraming(status, length: nil, declared: nil, to: method).hasContent
  }

  @inline(never)
  private mutating func decide(_ status: Status, length: Int?, declared: Int?, to method: Method) {
    endsConnection = method == .connect
    if method == .connect, status.isSuccess {
      // RFC 9110 section 9.3.6: what follows such a head is a tunnel, and a response that is no takeover has none.
      return
    } else if status.code == 205 {
      // Section 15.3.6: never any content, but the length has to say so.
      self.length = 0
    } else if status.code == 304 || method == .head && !status.forbidsContent {
      // Section 8.6: the length that GET would say, or none. A handler that gives no content may have left it out.
      self.length = length == 0 || status.code == 304 ? declared : length ?? declared
    } else if !status.forbidsContent {
      self.length = length ?? declared
      hasContent = true
    }
  }
}
