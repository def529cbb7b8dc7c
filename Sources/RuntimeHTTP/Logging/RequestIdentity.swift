import Glibc
import Runtime

/// The number of a request on its connection, and the connection's number in the process: what a request's identity is
/// made of where the client has given it none.
///
/// The two numbers are there anyway, so that a request costs nothing until its identity is asked for.
struct RequestIdentity {
  let connection: UInt32
  let request: UInt32

  /// Tells this process from others, on this machine and elsewhere: when it has begun, to the nanosecond, and its number,
  /// mixed as SplitMix64 does. It is no random number, since taking one would make the first run of a simulation another
  /// than all after it.
  private static let process: UInt64 = {
    var mixed =
      UInt64(truncatingIfNeeded: WallTime.now.nanosecondsSince1970) &+ UInt64(truncatingIfNeeded: getpid()) << 40
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return (mixed ^ mixed >> 31) >> 16
  }()

  /// Appends it as `5f0c6a1b2d3e-1f-4`: the process, the connection and the request, in hexadecimal.
  func append(to bytes: inout ByteBuffer) {
    bytes.append(Self.prefix.span)
    bytes.append(hexadecimal: Int(connection))
    bytes.append(UInt8(ascii: "-"))
    bytes.append(hexadecimal: Int(request))
  }

  /// What all identities of this process begin with.
  private static let prefix: [UInt8] = {
    var bytes: [UInt8] = []
    for shift in stride(from: 40, through: 0, by: -8) {
      bytes.append(hexadecimal: UInt8(truncatingIfNeeded: process >> UInt64(shift)))
    }
    return bytes + [UInt8(ascii: "-")]
  }()
}

extension HeaderFields {
  /// Where the value of `X-Request-Id` is, if it may be a request's identity: 1 to 128 letters, digits and
  /// `+ - . / : = @ _`, as UUIDs, numbers in any base and the identities of proxies are written. What is not so could do
  /// harm where it is pasted or stored.
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
