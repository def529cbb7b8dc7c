import Glibc
import Runtime

/// The identity of a request for which the client has sent none, made of the number of its connection in the process
/// and its number on the connection.
///
/// Both numbers exist anyway, so a request costs nothing until its identity is asked for.
struct RequestIdentity {
  let connection: UInt32
  let request: UInt32

  /// A number that distinguishes this process from others, on any machine: its start time in nanoseconds and its
  /// process number, mixed as in SplitMix64. It is not random, because drawing a random number would make the first run
  /// of a simulation differ from all later ones.
  private static let process: UInt64 = {
    var mixed =
      UInt64(truncatingIfNeeded: WallTime.now.nanosecondsSince1970) &+ UInt64(truncatingIfNeeded: getpid()) << 40
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return (mixed ^ mixed >> 31) >> 16
  }()

  /// Appends the identity, such as `5f0c6a1b2d3e-1f-4`: the process, the connection and the request, in hexadecimal.
  func append(to bytes: inout ByteBuffer) {
    bytes.append(Self.prefix.span)
    bytes.append(hexadecimal: Int(connection))
    bytes.append(UInt8(ascii: "-"))
    bytes.append(hexadecimal: Int(request))
  }

  /// The prefix of all identities of this process.
  private static let prefix: [UInt8] = {
    var bytes: [UInt8] = []
    for shift in stride(from: 40, through: 0, by: -8) {
      bytes.append(hexadecimal: UInt8(truncatingIfNeeded: process >> UInt64(shift)))
    }
    return bytes + [UInt8(ascii: "-")]
  }()
}

extension HeaderFields {
  /// The range of the value of `X-Request-Id`, if it is acceptable as a request's identity: 1 to 128 letters, digits
  /// and `+ - . / : = @ _`. UUIDs, numbers in any base and the identities of proxies are written in these. Other
  /// characters could do harm where the identity is pasted or stored.
  var requestID: Range<Int>? {
    var position = 0
    while let entry = nextEntry(&position) {
      guard entry.nameLength == 12, bytes.span.extracting(entry.nameRange).equalsIgnoringCase("x-request-id") else {
        continue
      }
      let range = entry.valueRange
      let isGood = (1...128).contains(range.count) && CharacterClass.requestID.containsAll(bytes.span.extracting(range))
      return isGood ? range : nil
    }
    return nil
  }
}

extension CharacterClass {
  fileprivate static var requestID: CharacterClass { CharacterClass("+-./:=@_", alphanumerics: true) }
}
