/// The first line of a request (RFC 9112 section 3): method SP request-target SP HTTP-version.
struct RequestLine: StartLine {
  /// The method of the request; GET until a line has been read.
  private(set) var method = Method.get
  private(set) var version = HTTPVersion.http1_1
  var target = RequestTarget()

  /// The maximum number of empty lines before it, which are skipped. RFC 9112 section 2.2 asks a server to skip at
  /// least one.
  static var maximumEmptyLines: Int { 8 }

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
      // If a line arrives in pieces, a NUL or a CR in the target is found before the version, so it must be reported
      // first here too.
      guard line.extracting(first + 1..<second).isTargetText else {
        throw .malformed("The request target is not valid.")
      }
      throw WireError(.httpVersionNotSupported)
    }
    target.bytes.removeAll(keepingCapacity: true)
    target.bytes.append(copying: line.extracting(first + 1..<second))
    // If the method is too long, the target is checked as if it could have any usual form.
    guard target.locateParts(method: known ?? .options) else {
      throw .malformed("The request target is not valid.")
    }
    guard known != nil else { throw WireError(.notImplemented) }
    return version
  }

  mutating func clear() { method = .get }

  static func tooLong(hasSpace: Bool) -> WireError {
    // Only a line with a space has a target that can be too long. Without one, the method is too long.
    hasSpace ? WireError(.uriTooLong) : .malformed("The method is too long.")
  }
}
