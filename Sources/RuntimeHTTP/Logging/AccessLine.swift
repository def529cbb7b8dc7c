import Runtime
import RuntimePrimitives

/// The line of a request in an ``AccessLog``, in memory that is used for one after another.
///
/// Unchecked: it is in one pair of hands at a time, between a `take` and a `giveBack` of its pool.
final class AccessLine: Reusable, @unchecked Sendable {
  @exclusivity(unchecked) private(set) var bytes: [UInt8] = []

  /// One that has grown past this for a long target is not kept.
  private static var largest: Int { 4096 }

  func reset() -> Bool {
    guard bytes.capacity <= Self.largest else { return false }
    bytes.removeAll(keepingCapacity: true)
    return true
  }

  /// Appends the line of `record`, with its end.
  func append(_ record: RequestRecord, in format: LogFormat) {
    if format == .json { appendJSON(record) } else { appendCommon(record) }
  }

  private func appendJSON(_ record: RequestRecord) {
    let duration = record.duration.nanoseconds
    bytes.append(text: "{\"time\":\"")
    WallTime.now.before(nanoseconds: duration).appendRFC3339(to: &bytes)
    if let peer = record.remoteAddress {
      bytes.append(text: "\",\"peer\":\"")
      bytes.append(peer, withPort: true)
    }
    bytes.append(text: "\",\"request_id\":\"")
    record.appendRequestID(to: &bytes)
    if let request = record.request {
      // A token, of whose characters none has to be escaped.
      bytes.append(text: "\",\"method\":\"")
      request.method.append(to: &bytes)
      bytes.append(text: "\",\"target\":")
      bytes.append(json: request.targetBytes.span)
      bytes.append(text: ",\"version\":\"")
      bytes.append(request.version)
      if let route = request.route {
        bytes.append(text: "\",\"route\":")
        bytes.append(json: route.utf8.span)
        bytes.append(text: ",")
      } else {
        bytes.append(text: "\",")
      }
    } else {
      bytes.append(text: "\",")
    }
    if let status = record.status {
      bytes.append(text: "\"status\":")
      bytes.append(decimal: Int(status.code))
      bytes.append(UInt8(ascii: ","))
    }
    bytes.append(text: "\"received\":")
    bytes.append(decimal: record.receivedLength)
    bytes.append(text: ",\"sent\":")
    bytes.append(decimal: record.sentLength)
    bytes.append(text: ",\"duration\":")
    bytes.append(secondsIn: duration)
    bytes.append(text: ",\"end\":\"")
    bytes.append(text: record.ending.text)
    bytes.append(UInt8(ascii: "\""))
    if let error = record.error {
      bytes.append(text: ",\"error\":")
      bytes.append(json: Self.text(of: error).utf8.span)
    }
    bytes.append(text: "}\n")
  }

  private func appendCommon(_ record: RequestRecord) {
    let duration = record.duration.nanoseconds
    if let peer = record.remoteAddress {
      bytes.append(peer, withPort: false)
    } else {
      bytes.append(UInt8(ascii: "-"))
    }
    bytes.append(text: " - - [")
    WallTime.now.before(nanoseconds: duration).appendCommon(to: &bytes)
    bytes.append(text: "] \"")
    if let request = record.request {
      request.method.append(to: &bytes)
      bytes.append(UInt8(ascii: " "))
      bytes.append(escaped: request.targetBytes.span)
      bytes.append(UInt8(ascii: " "))
      bytes.append(request.version)
    } else {
      bytes.append(UInt8(ascii: "-"))
    }
    bytes.append(text: "\" ")
    if let status = record.status { bytes.append(decimal: Int(status.code)) } else { bytes.append(UInt8(ascii: "-")) }
    bytes.append(UInt8(ascii: " "))
    if record.sentLength > 0 { bytes.append(decimal: record.sentLength) } else { bytes.append(UInt8(ascii: "-")) }
    bytes.append(text: " received=")
    bytes.append(decimal: record.receivedLength)
    bytes.append(text: " duration=")
    bytes.append(secondsIn: duration)
    if let route = record.request?.route {
      bytes.append(text: " route=\"")
      bytes.append(escaped: route.utf8.span)
      bytes.append(UInt8(ascii: "\""))
    }
    bytes.append(text: " request_id=")
    record.appendRequestID(to: &bytes)
    bytes.append(text: " end=\"")
    bytes.append(text: record.ending.text)
    bytes.append(UInt8(ascii: "\""))
    if let error = record.error {
      bytes.append(text: " error=\"")
      bytes.append(escaped: Self.text(of: error).utf8.span)
      bytes.append(UInt8(ascii: "\""))
    }
    bytes.append(UInt8(ascii: "\n"))
  }

  /// An error may quote what a client has sent, however long that is.
  private static func text(of error: any Error) -> String {
    let text = "\(error)"
    return text.utf8.count <= 1024 ? text : String(text.prefix(256)) + "…"
  }
}

extension [UInt8] {
  /// Appends `address`, in characters that need not be escaped in either format.
  fileprivate mutating func append(_ address: SocketAddress, withPort: Bool) {
    if case .ipv4(let address, let port) = address {
      append(decimal: Int(address.bits >> 24))
      append(UInt8(ascii: "."))
      append(decimal: Int(address.bits >> 16 & 255))
      append(UInt8(ascii: "."))
      append(decimal: Int(address.bits >> 8 & 255))
      append(UInt8(ascii: "."))
      append(decimal: Int(address.bits & 255))
      if withPort {
        append(UInt8(ascii: ":"))
        append(decimal: Int(port))
      }
    } else if case .ipv6(let address, _, _) = address, !withPort {
      append(contentsOf: address.description.utf8)
    } else {
      let text = address.description
      // The name of a Unix-domain socket may hold anything.
      for byte in text.utf8 {
        if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
          append(byte)
        } else {
          append(UInt8(ascii: "?"))
        }
      }
    }
  }

  fileprivate mutating func append(_ version: HTTPVersion) {
    append(text: "HTTP/")
    append(decimal: Int(version.major))
    if version.major < 2 {
      append(UInt8(ascii: "."))
      append(decimal: Int(version.minor))
    }
  }

  /// Appends `nanoseconds` as seconds, with six digits behind the point.
  fileprivate mutating func append(secondsIn nanoseconds: Int64) {
    append(decimal: Int(nanoseconds / 1_000_000_000))
    append(UInt8(ascii: "."))
    append(decimal: Int(nanoseconds / 1000 % 1_000_000), digits: 6)
  }
}
