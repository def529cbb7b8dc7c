/// A media type, such as `text/html; charset=utf-8` (RFC 9110 section 8.3.1).
public struct MediaType: Hashable, Sendable {
  /// The top-level type in lower case, such as `text`.
  public let type: String
  /// The subtype in lower case, such as `html`.
  public let subtype: String
  /// The parameters by name. Names are in lower case.
  public let parameters: [String: String]

  /// `text/plain; charset=utf-8`
  public static let plainText = MediaType(type: "text", subtype: "plain", parameters: ["charset": "utf-8"])
  /// `text/html; charset=utf-8`
  public static let html = MediaType(type: "text", subtype: "html", parameters: ["charset": "utf-8"])
  /// `application/json`
  public static let json = MediaType(type: "application", subtype: "json", parameters: [:])
  /// `application/octet-stream`
  public static let octetStream = MediaType(type: "application", subtype: "octet-stream", parameters: [:])
  /// `text/event-stream`: server-sent events.
  public static let eventStream = MediaType(type: "text", subtype: "event-stream", parameters: [:])

  /// Parses `text`. Returns `nil` if it is not a valid media type.
  public init?(_ text: some StringProtocol) {
    var scanner = Scanner(text)
    guard let type = scanner.token(), scanner.skip("/"), let subtype = scanner.token() else { return nil }
    self.type = type.lowercased()
    self.subtype = subtype.lowercased()
    var parameters: [String: String] = [:]
    scanner.skipBlanks()
    while !scanner.isAtEnd {
      guard scanner.skip(";") else { return nil }
      scanner.skipBlanks()
      // An empty parameter is accepted, because the grammar allows it.
      if scanner.isAtEnd || scanner.isAt(";") { continue }
      guard let name = scanner.token()?.lowercased(), scanner.skip("="), let value = scanner.tokenOrQuotedString(),
        parameters.updateValue(value, forKey: name) == nil
      else { return nil }
      scanner.skipBlanks()
    }
    self.parameters = parameters
  }

  private init(type: String, subtype: String, parameters: [String: String]) {
    self.type = type
    self.subtype = subtype
    self.parameters = parameters
  }

  /// Returns whether `other` has the same type and subtype. Parameters are ignored.
  public func matches(_ other: MediaType) -> Bool { type == other.type && subtype == other.subtype }
}

extension MediaType: CustomStringConvertible {
  /// The media type as it is sent, with its parameters sorted by name.
  public var description: String {
    parameters.sorted { $0.key < $1.key }.reduce("\(type)/\(subtype)") { text, parameter in
      let isToken = !parameter.value.isEmpty && parameter.value.utf8.allSatisfy { CharacterClass.token.contains($0) }
      return "\(text); \(parameter.key)=\(isToken ? parameter.value : Self.quoted(parameter.value))"
    }
  }

  private static func quoted(_ value: String) -> String {
    value.reduce("\"") { $0 + ($1 == "\"" || $1 == "\\" ? "\\\($1)" : String($1)) } + "\""
  }
}

/// A scanner that consumes the parts of a media type from the start of its text.
private struct Scanner {
  private var rest: Substring.UTF8View

  init(_ text: some StringProtocol) { rest = Substring(text).utf8 }

  var isAtEnd: Bool { rest.isEmpty }

  func isAt(_ character: Unicode.Scalar) -> Bool { rest.first.map(UInt32.init) == character.value }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard isAt(character) else { return false }
    rest.removeFirst()
    return true
  }

  mutating func skipBlanks() { rest = rest.drop(while: \.isBlank) }

  mutating func token() -> String? {
    let token = rest.prefix { CharacterClass.token.contains($0) }
    guard !token.isEmpty else { return nil }
    rest = rest[token.endIndex...]
    return String(token)
  }

  mutating func tokenOrQuotedString() -> String? {
    guard isAt("\"") else { return token() }
    rest.removeFirst()
    var text: [UInt8] = []
    while var byte = rest.popFirst() {
      if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
      if byte == UInt8(ascii: "\\") {
        guard let escaped = rest.popFirst() else { return nil }
        byte = escaped
      }
      guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else { return nil }
      text.append(byte)
    }
    return nil
  }
}
