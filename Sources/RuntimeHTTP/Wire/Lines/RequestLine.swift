/// The first line of a request (RFC 9112 section 3): method SP request-target SP HTTP-version.
struct RequestLine: StartLine {
  /// What the request asks for: GET until a line has been read that says otherwise.
  private(set) var method = Method.get
  private(set) var version = HTTPVersion.http1_1
  var target = RequestTarget()

  /// RFC 9112 section 2.2 would have a server skip one at least.
  static var mostEmptyLines: Int { 8 }

  var role: MessageRole { .request }

  mutating func read(_ line: Span<UInt8>) throws(WireError) { version = try parse(line) }

  @inline(__always)
  private mutating func parse(_ line: Span<UInt8>) throws(WireError) -> HTTPVersion {
    let space = UInt8(ascii: " ")
    guard let first = line.firstIndex(of: space), let second = line.firstIndex(of: space, from: first + 1) else {
      throw .malformed(line.isEmpty ? "There is no request line." : "The request line does not have three parts.")
    }
    let name = line.extracting(0..<first)
    guard !name.isEmpty, CharacterClass.token.containsAll(name) else {
      throw .malformed("The method is not a token.")
    }
    let known = Method(token: name)
    if let known { method = known }
    guard let version = try HTTPVersion.version(line.extracting(second + 1..<line.count)) else {
      // A NUL or a CR is found out as soon as it comes, if the line comes in pieces: so it goes before the version.
      guard line.extracting(first + 1..<second).isTargetText else {
        throw .malformed("The request target is not valid.")
      }
      throw WireError(.httpVersionNotSupported)
    }
    target.bytes.removeAll(keepingCapacity: true)
    target.bytes.append(copying: line.extracting(first + 1..<second))
    // The target of a method that is too long is checked as that of one that may have any usual form.
    guard target.locateParts(method: known ?? .options) else {
      throw .malformed("The request target is not valid.")
    }
    guard known != nil else { throw WireError(.notImplemented) }
    return version
  }

  mutating func clear() { method = .get }

  static func tooLong(hasSpace: Bool) -> WireError {
    // The target is too long only where there is one; a token as long as that is no method.
    hasSpace ? WireError(.uriTooLong) : .malformed("The method is too long.")
  }
}
