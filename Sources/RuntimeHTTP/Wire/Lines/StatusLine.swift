/// The first line of a response (RFC 9112 section 4): HTTP-version SP status-code SP [ reason-phrase ].
package struct StatusLine: StartLine {
  /// The method of the request that is answered. Set it before the line is read.
  package var requestMethod = Method.get
  package private(set) var version = HTTPVersion.http1_1
  package private(set) var status = Status.ok
  package private(set) var reason: [UInt8] = []

  package static var maximumEmptyLines: Int { 0 }

  package init() {}

  package var role: MessageRole { .response(status, to: requestMethod) }

  package mutating func read(_ line: Span<UInt8>) throws(WireError) {
    let space = UInt8(ascii: " ")
    guard line.count >= 13, line[8] == space, line[12] == space, let code = line.extracting(9..<12).decimalValue,
      100..<600 ~= code, line.extracting(13..<line.count).isFieldContent
    else { throw .malformed("The status line is not valid.") }
    guard let version = try HTTPVersion.version(line.extracting(0..<8)) else {
      throw WireError(.httpVersionNotSupported)
    }
    self.version = version
    status = Status(UInt16(truncatingIfNeeded: code))
    reason.removeAll(keepingCapacity: true)
    reason.append(copying: line.extracting(13..<line.count))
  }

  package mutating func clear() {}

  package static func tooLong(hasSpace: Bool) -> WireError { .malformed("The status line is too long.") }
}
