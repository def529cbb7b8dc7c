/// A request method, such as GET (RFC 9110 section 9).
///
/// Any token of up to 24 bytes is a method; the longest one registered with IANA has 17. Programs declare the methods
/// that are missing here:
///
/// ```swift
/// extension Method {
///   static let purge: Method = "PURGE"
/// }
/// router.on(.purge, "/cache/*path") { request in ... }
/// ```
public struct Method: Hashable, Sendable {
  private static var longest: Int { 24 }

  // The bytes of the name, the first in the lowest byte, padded with zeros. Three integers are copied for each request
  // and compared with each route of a path without reference counting.
  private let first: UInt64
  private let second: UInt64
  private let third: UInt64

  private init(_ first: UInt64) {
    self.first = first
    second = 0
    third = 0
  }

  /// Creates the method called `name`. Returns `nil` if it is not a token (RFC 9110 section 5.6.2) or is too long.
  /// Methods are case-sensitive.
  public init?(_ name: String) {
    let bytes = Array(name.utf8)
    guard CharacterClass.token.containsAll(bytes.span) else { return nil }
    self.init(token: bytes.span)
  }

  /// Creates the method that `token` spells. Returns `nil` if it is empty or too long.
  init?(token: Span<UInt8>) {
    guard !token.isEmpty, token.count <= Self.longest else { return nil }
    first = token.packed(from: 0)
    second = token.count > 8 ? token.packed(from: 8) : 0
    third = token.count > 16 ? token.packed(from: 16) : 0
  }

  /// The name as it is sent.
  public var name: String {
    var bytes = ByteBuffer(capacity: Self.longest)
    append(to: &bytes)
    return String(decoding: bytes.contents, as: UTF8.self)
  }

  /// Appends the bytes of ``name`` to `bytes`.
  func append(to bytes: inout ByteBuffer) {
    Self.append(first, to: &bytes)
    Self.append(second, to: &bytes)
    Self.append(third, to: &bytes)
  }

  private static func append(_ word: UInt64, to bytes: inout ByteBuffer) {
    var rest = word
    while rest != 0 {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }
}

// Numbers, so that they are compile-time constants; a test compares them with the names.
extension Method {
  /// Transfers a representation of the target resource.
  public static var get: Method { Method(0x544547) }
  /// Like GET, but the response has no content.
  public static var head: Method { Method(0x44414548) }
  /// Has the target resource process the content.
  public static var post: Method { Method(0x54534F50) }
  /// Replaces the target resource with the content.
  public static var put: Method { Method(0x545550) }
  /// Removes the target resource.
  public static var delete: Method { Method(0x4554454C4544) }
  /// Opens a tunnel to the target.
  public static var connect: Method { Method(0x5443454E4E4F43) }
  /// Asks for the communication options of the target.
  public static var options: Method { Method(0x534E4F4954504F) }
  /// Echoes the request as it was received.
  public static var trace: Method { Method(0x4543415254) }
  /// Changes part of the target resource (RFC 5789).
  public static var patch: Method { Method(0x4843544150) }

  /// The methods declared here, in the order in which they are listed.
  static let standard: [Method] = [.get, .head, .post, .put, .delete, .connect, .options, .trace, .patch]

  /// Whether this is one of the nine methods declared here. Code that counts or labels by method must group all others,
  /// because clients can make up any number of them.
  public var isStandard: Bool { Self.standard.contains(self) }
}

extension Method: ExpressibleByStringLiteral {
  /// Creates the method called `name`. Traps if `name` is not a valid method.
  public init(stringLiteral name: String) {
    guard let method = Method(name) else { preconditionFailure("\(name.debugDescription) is not a valid method.") }
    self = method
  }
}

extension Method: CustomStringConvertible {
  /// The name as it is sent.
  public var description: String { name }
}
