/// The first line of a request (RFC 9112 section 3): method SP request-target SP HTTP-version.
enum RequestLine {
  /// Reads `line`, and puts what its method and its target are into `method` and `target`; the method if it is known,
  /// even where something else is wrong.
  static func parse(
    _ line: Span<UInt8>, method: inout Method, target: inout RequestTarget
  ) throws(WireError) -> HTTPVersion {
    let space = UInt8(ascii: " ")
    guard let first = line.firstIndex(of: space), let second = line.firstIndex(of: space, from: first + 1) else {
      throw .malformed("The request line does not have three parts.")
    }
    let name = line.extracting(0..<first)
    guard !name.isEmpty, CharacterClass.token.containsAll(name) else {
      throw .malformed("The method is not a token.")
    }
    let known = Method(token: name)
    if let known { method = known }
    let number = try versionNumber(line.extracting(second + 1..<line.count))
    target.bytes.removeAll(keepingCapacity: true)
    line.extracting(first + 1..<second).withUnsafeBufferPointer { target.bytes.append(contentsOf: $0) }
    // The target of a method that is not known is checked as that of one that may have any usual form.
    guard target.locateParts(method: known ?? .options) else {
      throw .malformed("The request target is not valid.")
    }
    guard number.major == 1 else { throw WireError(.httpVersionNotSupported) }
    guard known != nil else { throw WireError(.notImplemented) }
    return number.minor == 0 ? .http1_0 : .http1_1
  }

  /// RFC 9112 section 2.3: `HTTP-version = HTTP-name "/" DIGIT "." DIGIT`, case-sensitive.
  private static func versionNumber(_ text: Span<UInt8>) throws(WireError) -> (major: UInt8, minor: UInt8) {
    guard text.count == 8, text[0] == UInt8(ascii: "H"), text[1] == UInt8(ascii: "T"), text[2] == UInt8(ascii: "T"),
      text[3] == UInt8(ascii: "P"), text[4] == UInt8(ascii: "/"), text[5].isDigit, text[6] == UInt8(ascii: "."),
      text[7].isDigit
    else { throw .malformed("The HTTP version is not valid.") }
    return (text[5] &- UInt8(ascii: "0"), text[7] &- UInt8(ascii: "0"))
  }
}
