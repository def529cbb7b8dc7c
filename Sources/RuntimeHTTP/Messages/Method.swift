/// What a request asks to be done (RFC 9110 section 9).
///
/// Any token is a method. Those that are not declared here are declared by who uses them:
///
/// ```swift
/// extension Method {
///   static let purge: Method = "PURGE"
/// }
/// router.on(.purge, "/cache/*path") { request in ... }
/// ```
public struct Method: Sendable {
  /// The methods that the engine knows. They are told apart by one byte, and cost nothing to keep.
  enum Standard: String, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
    case connect = "CONNECT"
    case options = "OPTIONS"
    case trace = "TRACE"
    case patch = "PATCH"
  }

  private final class Name: Sendable {
    let text: String

    init(_ text: String) { self.text = text }
  }

  /// How many bytes a method that comes from a client may have; the longest that is registered has 17.
  private static var longestReceived: Int { 64 }

  private let standard: Standard?
  /// The name of one that is not standard.
  private let other: Name?

  init(_ standard: Standard) {
    self.standard = standard
    other = nil
  }

  private init(other name: String) {
    standard = nil
    other = Name(name)
  }

  /// The method called `name`, if that is a token (RFC 9110 section 5.6.2). Methods are case-sensitive.
  public init?(_ name: String) {
    let bytes = Array(name.utf8)
    guard !bytes.isEmpty, CharacterClass.token.containsAll(bytes.span) else { return nil }
    if let standard = Standard(bytes.span) { self.init(standard) } else { self.init(other: name) }
  }

  /// The method that a client's `token` spells; `nil` if it is too long to be one.
  init?(token: Span<UInt8>) {
    if let standard = Standard(token) {
      self.init(standard)
    } else {
      guard token.count <= Self.longestReceived else { return nil }
      self.init(other: token.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
    }
  }

  /// The method as it is sent.
  public var name: String { standard?.rawValue ?? other?.text ?? "" }

  /// Whether it is one of those declared here.
  var isStandard: Bool { standard != nil }
}

extension Method {
  /// Transfer a representation of the target.
  public static var get: Method { Method(.get) }
  /// As GET, but without the content.
  public static var head: Method { Method(.head) }
  /// Let the target process the content.
  public static var post: Method { Method(.post) }
  /// Replace the target with the content.
  public static var put: Method { Method(.put) }
  /// Remove the target.
  public static var delete: Method { Method(.delete) }
  /// Open a tunnel to the target.
  public static var connect: Method { Method(.connect) }
  /// Say how one may talk to the target.
  public static var options: Method { Method(.options) }
  /// Send back the request as it came.
  public static var trace: Method { Method(.trace) }
  /// Change part of the target (RFC 5789).
  public static var patch: Method { Method(.patch) }
}

extension Method: Hashable {
  /// Whether the two have the same name.
  public static func == (left: Method, right: Method) -> Bool {
    left.standard == right.standard && (left.standard != nil || left.name == right.name)
  }

  /// Hashes the name.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension Method: ExpressibleByStringLiteral {
  /// The method called `name`; it is a mistake in the program if that is no token.
  public init(stringLiteral name: String) {
    guard let method = Method(name) else { preconditionFailure("\(name.debugDescription) is no method.") }
    self = method
  }
}

extension Method: CustomStringConvertible {
  /// The method as it is sent.
  public var description: String { name }
}

extension Method.Standard {
  /// The method that `token` spells.
  init?(_ token: Span<UInt8>) {
    func spells(_ method: StaticString) -> Bool {
      method.withUTF8Buffer { characters in
        for index in token.indices where token[index] != characters[index] { return false }
        return true
      }
    }
    switch token.count {
    case 3 where spells("GET"): self = .get
    case 3 where spells("PUT"): self = .put
    case 4 where spells("POST"): self = .post
    case 4 where spells("HEAD"): self = .head
    case 5 where spells("PATCH"): self = .patch
    case 5 where spells("TRACE"): self = .trace
    case 6 where spells("DELETE"): self = .delete
    case 7 where spells("OPTIONS"): self = .options
    case 7 where spells("CONNECT"): self = .connect
    default: return nil
    }
  }
}
