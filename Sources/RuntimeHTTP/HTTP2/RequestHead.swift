/// A request's head, or its trailers, as received line by line from HPACK (RFC 9113 section 8).
///
/// Errors are recorded and reported at the end, because a block has to be decoded completely: later blocks depend on
/// it.
struct RequestHead: Sendable {
  enum Verdict {
    case good
    /// Section 8.1.1: the stream ends with PROTOCOL_ERROR.
    case malformed
    /// Well-formed, but refused.
    case refused(WireError)
  }

  private struct Lines: OptionSet {
    let rawValue: UInt8
    static var method: Lines { Lines(rawValue: 1) }
    static var scheme: Lines { Lines(rawValue: 2) }
    static var path: Lines { Lines(rawValue: 4) }
    static var authority: Lines { Lines(rawValue: 8) }
    /// A field other than these. Pseudo-header fields must not follow it.
    static var field: Lines { Lines(rawValue: 16) }
    static var host: Lines { Lines(rawValue: 32) }
    static var `protocol`: Lines { Lines(rawValue: 64) }
  }

  /// The parts of the head. They are kept here until the request is made, since access to a request's parts costs an
  /// indirection for each line.
  private(set) var method = Method.get
  private(set) var target = RequestTarget()
  /// The protocol of an extended CONNECT (RFC 8441 section 4).
  private var connectProtocol: String?
  private(set) var fields = HeaderFields()
  /// The parts of the last request, whose memory is reused unless something still references them.
  private var lastParts: RequestParts?
  private var framing = MessageFraming()
  /// Whether the client waits for a 100 (Continue) before sending content (RFC 9110 section 10.1.1).
  private(set) var expectsContinue = false
  /// The priority that the client asks for, if any.
  private(set) var priority: Priority?

  private var limits = MessageLimits(startLine: 0, head: 0, fields: 0)
  private var isTrailers = false
  private var seen: Lines = []
  private var isMalformed = false
  private var isTooLarge = false
  private var methodIsKnown = true
  private var hasLength = false
  private var cookies = 0
  /// The size of the list, as defined in RFC 9113 section 10.5.1.
  private(set) var listSize = 0

  /// The length of content that the request declares (RFC 9110 section 8.6).
  var contentLength: Int? {
    if hasLength, case .length(let length) = framing.body { length } else { nil }
  }

  /// The most bytes of a head's memory that is kept for other connections.
  private static let keptCapacity = 4096
  /// The number of bytes that each line counts for in addition to its own (section 6.5.2).
  static let lineOverhead = 32

  mutating func prepare(with limits: MessageLimits, isTrailers: Bool = false) {
    if lastParts != nil { reclaim() }
    self.limits = limits
    self.isTrailers = isTrailers
  }

  /// Reclaims the memory of the last request, if nothing references it any more.
  private mutating func reclaim() {
    guard var parts = lastParts.take(), isKnownUniquelyReferenced(&parts) else { return }
    swap(&parts.target, &target)
    swap(&parts.fields, &fields)
    target.bytes.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
    parts.parameters = PathParameters()
    lastParts = parts
  }

  /// Prepares for a request of another connection: drops the reference to this one, and the last request if something
  /// still references it.
  ///
  /// - Returns: Whether the memory is small enough to be kept for other connections.
  mutating func leaveConnection() -> Bool {
    if !isKnownUniquelyReferenced(&lastParts) { lastParts = nil }
    lastParts?.origin = nil
    let lastCapacity = lastParts.map { $0.target.bytes.capacity + $0.fields.bytes.capacity } ?? 0
    return target.bytes.capacity + fields.bytes.capacity + lastCapacity <= Self.keptCapacity
  }

  /// Sets the method of a request that HTTP/1 has decoded, on which the framing of the response depends.
  mutating func adopt(_ method: Method) { self.method = method }

  /// Makes the request from the parts, which are moved out.
  ///
  /// - Parameter body: The content; `nil` if there is none.
  mutating func makeRequest(body: RequestBody?, from origin: RequestOrigin, _ stream: StreamID) -> Request {
    let parts = lastParts.take() ?? RequestParts()
    parts.method = method
    parts.version = .http2
    parts.connectProtocol = connectProtocol
    swap(&parts.target, &target)
    swap(&parts.fields, &fields)
    parts.origin = origin
    parts.number = stream
    if let body {
      // The body references the connection, so keeping these parts would create a reference cycle.
      parts.body = body
    } else {
      lastParts = parts
    }
    return Request(parts)
  }

  /// Returns the received part of a head that is refused; `nil` if its method or target is missing.
  func partialRequest(from origin: RequestOrigin, _ stream: StreamID) -> Request? {
    guard seen.contains(.method), !target.bytes.isEmpty else { return nil }
    let parts = RequestParts(method, .http2, target, fields, from: origin, stream)
    parts.connectProtocol = connectProtocol
    return parts.target.locateParts(method: formOfTarget) ? Request(parts) : nil
  }

  mutating func clear() {
    method = .get
    target.bytes.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
    connectProtocol = nil
    framing = MessageFraming()
    priority = nil
    seen = []
    (isMalformed, isTooLarge, methodIsKnown) = (false, false, true)
    (hasLength, expectsContinue) = (false, false)
    cookies = 0
    listSize = 0
  }

  /// Processes a line.
  @inline(__always)
  mutating func append(_ name: Span<UInt8>, _ value: Span<UInt8>) {
    listSize += name.count + value.count + Self.lineOverhead
    if listSize > limits.head || isMalformed || isTooLarge { return checkListSize() }
    guard !name.isEmpty else { return isMalformed = true }
    if name[0] == UInt8(ascii: ":") {
      if !appendPseudo(name, value) { isMalformed = true }
    } else {
      if !appendField(name, value) { isMalformed = true }
    }
  }

  private mutating func checkListSize() {
    if listSize > limits.head { isTooLarge = true }
  }

  // MARK: Pseudo-header fields (section 8.3.1)

  /// - Returns: Whether the field is allowed.
  private mutating func appendPseudo(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
    // Section 8.3: pseudo-header fields come before all other fields, and not in trailers.
    guard !isTrailers, !seen.contains(.field) else { return false }
    if name.equals(":path") {
      guard seen.insert(.path).inserted else { return false }
      if value.count > limits.startLine { isTooLarge = true }
      target.bytes.removeAll(keepingCapacity: true)
      target.bytes.append(copying: value)
      return true
    }
    if name.equals(":method") {
      guard seen.insert(.method).inserted, !value.isEmpty, CharacterClass.token.containsAll(value) else {
        return false
      }
      if let known = Method(token: value) { method = known } else { methodIsKnown = false }
      return true
    }
    if name.equals(":scheme") { return seen.insert(.scheme).inserted && value.isScheme }
    if name.equals(":protocol") {
      guard seen.insert(.protocol).inserted, CharacterClass.token.containsAll(value), !value.isEmpty else {
        return false
      }
      connectProtocol = value.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
      return true
    }
    if name.equals(":authority") {
      // RFC 9110 section 4.2.4: no user information, as in HTTP/1.
      guard seen.insert(.authority).inserted, value.isAuthority(portRequired: false) else { return false }
      // The Host field is where version-independent code looks for the authority (section 8.3.1).
      fields.append(lowercase: "host", .host, value)
      return true
    }
    return false
  }

  // MARK: Fields (section 8.2)

  /// - Returns: Whether the field is allowed.
  @inline(__always)
  private mutating func appendField(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
    seen.insert(.field)
    guard name.isLowercaseToken, value.isFieldContent, !value.hasBlankAtEnd else { return false }
    let known = FieldName(name)
    let isCookie = known == .other && name.count == 6 && name.equals("cookie") && !isTrailers
    // Section 8.2.3: the pieces of a cookie are one field. `lineOverhead` limits their number.
    let isCounted = !isCookie || cookies == 0
    guard !isCounted || fields.count - max(0, cookies - 1) < limits.fields, name.count <= HeaderFields.longestName
    else {
      isTooLarge = true
      return true
    }
    switch known {
    case .other:
      if isCookie {
        cookies += 1
      } else if name.count == 8, name.equals("priority") {
        priority = Priority(value, after: priority ?? Priority())
      } else if name.count == 16, name.equals("proxy-connection") {
        return false
      }
    // Section 8.2.2: fields about an HTTP/1 connection are invalid here, and could have an effect on a server behind
    // us.
    case .connection, .keepAlive, .transferEncoding, .upgrade: return false
    case .te: guard value.equalsIgnoringCase("trailers") else { return false }
    case .host where !isTrailers:
      guard seen.insert(.host).inserted else { return false }
      // Section 8.3.1: the field must agree with the authority.
      if seen.contains(.authority) { return fields.firstValueEquals(value) }
    case .contentLength: hasLength = true
    case .expect: expectsContinue = true
    default: break
    }
    if !isTrailers || !HeaderFields.isForbiddenInTrailers(name, known) { fields.append(name, known, value) }
    return true
  }

  // MARK: The end of a block

  /// Makes the checks that need the complete head.
  mutating func finish() -> Verdict {
    if isMalformed { return .malformed }
    if isTrailers { return isTooLarge ? .refused(WireError(.requestHeaderFieldsTooLarge)) : .good }
    if isTooLarge {
      let isTargetTooLong = target.bytes.count > limits.startLine
      return .refused(WireError(isTargetTooLong ? .uriTooLong : .requestHeaderFieldsTooLarge))
    }
    guard parseTarget() else { return .malformed }
    if cookies > 1 { fields.joinCookies() }
    do {
      framing = try MessageFraming(fields, version: .http2, of: .request, bodyLimit: limits.body)
    } catch {
      return error.status == .badRequest ? .malformed : .refused(error)
    }
    return methodIsKnown ? .good : .refused(WireError(.notImplemented))
  }

  /// The method that determines the form of the target. An extended CONNECT has a path like other requests.
  private var formOfTarget: Method { connectProtocol != nil || !methodIsKnown ? .options : method }

  /// Returns whether the pseudo-header fields are complete and form a target (section 8.3.1, section 8.5 for CONNECT,
  /// and RFC 8441 section 4 for extended CONNECT).
  private mutating func parseTarget() -> Bool {
    if connectProtocol != nil {
      guard method == .connect, seen.contains(.authority) else { return false }
    } else if method == .connect, methodIsKnown {
      guard seen.isSuperset(of: [.method, .authority]), seen.isDisjoint(with: [.scheme, .path]) else { return false }
      target.bytes = fields.firstValue
      return target.locateParts(method: .connect)
    }
    guard seen.isSuperset(of: [.method, .scheme, .path]),
      // A target in absolute form would contain a second authority.
      target.bytes.first == UInt8(ascii: "/") || target.bytes.count == 1
    else { return false }
    return target.locateParts(method: formOfTarget)
  }
}
