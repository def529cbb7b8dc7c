/// What a request asks to be done (RFC 9110 section 9).
///
/// Any token of up to 24 bytes is a method; the longest that is registered with IANA has 17. Those that are not declared
/// here are declared by the programs that use them:
///
/// ```swift
/// extension Method {
///   static let purge: Method = "PURGE"
/// }
/// router.on(.purge, "/cache/*path") { request in ... }
/// ```
public struct Method: Hashable, Sendable {
  private static var longest: Int { 24 }

  // The bytes of the name, the first in the lowest place, and zeros after the last: what is copied for each request, and
  // compared with each of a path's routes, is three numbers, without a count of references.
  private let first: UInt64
  private let second: UInt64
  private let third: UInt64

  private init(_ first: UInt64) {
    self.first = first
    second = 0
    third = 0
  }

  /// The method called `name`, if that is a token (RFC 9110 section 5.6.2) and not too long. Methods are case-sensitive.
  public init?(_ name: String) {
    let bytes = Array(name.utf8)
    guard CharacterClass.token.containsAll(bytes.span) else { return nil }
    self.init(token: bytes.span)
  }

  /// The method that `token` spells; `nil` if it is empty or too long.
  init?(token: Span<UInt8>) {
    guard !token.isEmpty, token.count <= Self.longest else { return nil }
    first = token.packed(from: 0)
    second = token.count > 8 ? token.packed(from: 8) : 0
    third = token.count > 16 ? token.packed(from: 16) : 0
  }

  /// The method as it is sent.
  public var name: String {
    var bytes = ByteBuffer(capacity: Self.longest)
    append(to: &bytes)
    return String(decoding: bytes.taken, as: UTF8.self)
  }

  /// Appends the bytes of ``name``.
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

// Numbers, so that they are constants in the program; a test compares them with the names.
extension Method {
  /// Transfer a representation of the target.
  public static var get: Method { Method(0x544547) }
  /// As GET, but without the content.
  public static var head: Method { Method(0x44414548) }
  /// Let the target process the content.
  public static var post: Method { Method(0x54534F50) }
  /// Replace the target with the content.
  public static var put: Method { Method(0x545550) }
  /// Remove the target.
  public static var delete: Method { Method(0x4554454C4544) }
  /// Open a tunnel to the target.
  public static var connect: Method { Method(0x5443454E4E4F43) }
  /// Say how one may talk to the target.
  public static var options: Method { Method(0x534E4F4954504F) }
  /// Send back the request as it came.
  public static var trace: Method { Method(0x4543415254) }
  /// Change part of the target (RFC 5789).
  public static var patch: Method { Method(0x4843544150) }

  /// Those declared here, in the order in which they are listed.
  static let standard: [Method] = [.get, .head, .post, .put, .delete, .connect, .options, .trace, .patch]

  /// Whether it is one of those declared here, of which there are nine: what is counted or named by method has to put all
  /// others together, as clients may make up as many as they like.
  public var isStandard: Bool { Self.standard.contains(self) }
}

extension Method: ExpressibleByStringLiteral {
  /// The method called `name`; it is a mistake in the program if there is none.
  public init(stringLiteral name: String) {
    guard let method = Method(name) else { preconditionFailure("\(name.debugDescription) is no method.") }
    self = method
  }
}

extension Method: CustomStringConvertible {
  /// The method as it is sent.
  public var description: String { name }
}
