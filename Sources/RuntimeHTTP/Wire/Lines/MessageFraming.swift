/// The framing of a message and the persistence of the connection, as determined by its head (RFC 9112 sections 3.2, 6
/// and 9).
///
/// Parsing is strict: anything that two recipients might interpret differently is refused, because such differences
/// enable request smuggling (section 11.2).
struct MessageFraming: Sendable {
  enum Body: Sendable, Equatable {
    case length(Int)
    case chunked
    /// The end of the connection ends the content. Only a response can have this.
    case untilClose
  }

  /// How the content ends.
  var body = Body.length(0)
  /// Whether the sender allows another message on the connection (section 9.3).
  var keepAlive = true
  /// Whether the client waits for a 100 (Continue) before it sends the content (RFC 9110 section 10.1.1).
  var expectsContinue = false
  /// Whether the client offers to switch to HTTP/2 (RFC 7540 section 3.2).
  var asksForHTTP2 = false

  init() {}

  /// - Parameter bodyLimit: The maximum length of the content.
  @inline(__always)  // Inlined, because a known role removes much of the code.
  init(
    _ fields: HeaderFields, version: HTTPVersion, of role: MessageRole, bodyLimit: Int
  ) throws(WireError) {
    let isRequest = if case .request = role { true } else { false }
    var hosts = 0
    var lengths = 0
    var close = false
    var keep = false
    var codings: TransferCodings?
    let bytes = fields.bytes.span
    var position = 0
    while let entry = fields.nextEntry(&position) {
      if entry.name == .other { continue }
      let value = bytes.extracting(entry.valueRange)
      switch entry.name {
      case .host where isRequest:
        // Section 3.2: more than one Host field, or an invalid one, is a 400. So is an empty one: no http URI has an
        // empty host (RFC 9110 section 4.2.1), and we have no default to use instead (section 3.3).
        hosts += 1
        guard hosts == 1, value.isAuthority(portRequired: false) else {
          throw .malformed("The Host field is not valid.")
        }
      case .contentLength:
        // Section 6.3, item 5. Repeated equal lengths may be accepted, but legitimate clients do not send them.
        lengths += 1
        guard lengths == 1, let length = value.decimalValue else {
          throw .malformed("The Content-Length field is not valid.")
        }
        body = .length(length)
      case .transferEncoding:
        var list = codings ?? TransferCodings()
        try list.append(value)
        codings = list
      case .connection:
        close = close || value.listContains("close")
        keep = keep || value.listContains("keep-alive")
      case .upgrade where isRequest && version >= .http1_1: asksForHTTP2 = asksForHTTP2 || value.listContains("h2c")
      case .expect where isRequest && version >= .http1_1:
        guard value.listContainsOnly("100-continue") else { throw WireError(.expectationFailed) }
        expectsContinue = expectsContinue || value.listContains("100-continue")
      default: break
      }
    }
    // RFC 9113 section 8.3.1 does not require an authority in HTTP/2, and health checks of proxies send none.
    if isRequest, hosts == 0, version >= .http1_1, version < .http2 { throw .malformed("There is no Host field.") }
    if let codings {
      // Section 6.1: both fields are refused, because recipients might disagree on which one counts; so is this one in
      // HTTP/1.0.
      guard lengths == 0, version >= .http1_1 else {
        throw .malformed("The Transfer-Encoding field is not allowed here.")
      }
      try codings.check()
      body = .chunked
    }
    if case .response(let status, let method) = role {
      try applyStatus(status, requestMethod: method, isFramed: lengths > 0 || codings != nil)
    }
    if case .length(let length) = body, length > bodyLimit { throw WireError(.contentTooLarge) }
    keepAlive = !close && (version >= .http1_1 || keep) && body != .untilClose
    if body == .length(0) { expectsContinue = false }
  }

  /// Applies the rules in which the status and the request's method override the fields (section 6.3, items 1, 2 and
  /// 8).
  private mutating func applyStatus(_ status: Status, requestMethod method: Method, isFramed: Bool) throws(WireError) {
    if status.isInformational || status.code == 204 {
      // Section 6.1, and RFC 9110 section 8.6: such a response must not declare a length.
      guard !isFramed else { throw .malformed("A response that cannot have content declares a length.") }
      body = .length(0)
    } else if method == .head || status.code == 304 || method == .connect && status.isSuccess {
      body = .length(0)
    } else if !isFramed {
      body = .untilClose
    }
  }
}

/// The codings in all `Transfer-Encoding` fields of a message (RFC 9112 section 6.1).
private struct TransferCodings {
  private var endsInChunked = false
  private var hasOther = false

  mutating func append(_ value: Span<UInt8>) throws(WireError) {
    var start = 0
    while true {
      let end = value.firstIndex(of: UInt8(ascii: ","), from: start) ?? value.count
      let coding = value.extracting(value.trimmed(from: start, to: end))
      // Chunked delimits the message, so it must be the last coding and must not be repeated (section 6.3, item 4).
      guard !endsInChunked, !coding.isEmpty, CharacterClass.token.containsAll(coding) else {
        throw .malformed("The Transfer-Encoding field is not valid.")
      }
      if coding.equalsIgnoringCase("chunked") { endsInChunked = true } else { hasOther = true }
      if end == value.count { return }
      start = end + 1
    }
  }

  func check() throws(WireError) {
    if hasOther { throw WireError(.notImplemented, "The transfer coding is not supported.") }
  }
}

extension Span<UInt8> {
  /// Returns whether `token`, in lower case, is an element of this comma-separated list (RFC 9110 section 5.6.1).
  func listContains(_ token: StaticString) -> Bool {
    var start = 0
    while start <= count {
      let end = firstIndex(of: UInt8(ascii: ","), from: start) ?? count
      if extracting(trimmed(from: start, to: end)).equalsIgnoringCase(token) { return true }
      start = end + 1
    }
    return false
  }

  /// Returns whether this comma-separated list has no element but `token`, in lower case. Empty elements are ignored
  /// (RFC 9110 section 5.6.1.2).
  func listContainsOnly(_ token: StaticString) -> Bool {
    var start = 0
    while start <= count {
      let end = firstIndex(of: UInt8(ascii: ","), from: start) ?? count
      let element = extracting(trimmed(from: start, to: end))
      if !element.isEmpty, !element.equalsIgnoringCase(token) { return false }
      start = end + 1
    }
    return true
  }
}
