import Runtime

/// A buffer for the line of a request in an ``AccessLog``, which is reused for one line after another.
///
/// Unchecked: the pool lends it to one caller at a time, between `take` and `giveBack`.
final class AccessLine: Reusable, @unchecked Sendable {
  @exclusivity(unchecked) private(set) var bytes = ByteBuffer(capacity: 512)
  @exclusivity(unchecked) private var stamp = TimeStamp()

  /// The largest capacity that is kept. A long target may make a buffer grow past it.
  private static var largest: Int { 4096 }

  func reset() -> Bool {
    bytes.removeAll()
    return bytes.capacity <= Self.largest
  }

  /// Appends the line of `record`, including the line break.
  func append(_ record: RequestRecord, in format: LogFormat) {
    let duration = record.nanoseconds
    stamp.update(to: WallTime.now.before(nanoseconds: duration), format)
    if format == .json {
      Self.appendJSON(record, duration, stamp, to: &bytes)
    } else {
      Self.appendCommon(record, duration, stamp, to: &bytes)
    }
  }

  private static func appendJSON(
    _ record: RequestRecord, _ duration: Int64, _ stamp: borrowing TimeStamp, to bytes: inout ByteBuffer
  ) {
    bytes.append("{\"time\":\"")
    stamp.append(to: &bytes)
    if let peer = record.remoteAddress {
      bytes.append("\",\"peer\":\"")
      bytes.append(peer, withPort: true)
    }
    bytes.append("\",\"request_id\":\"")
    record.appendRequestID(to: &bytes)
    bytes.append("\",")
    if let request = record.request {
      // A token never needs escaping.
      bytes.append("\"method\":\"")
      request.method.append(to: &bytes)
      bytes.append("\",\"target\":")
      bytes.append(json: request.targetBytes.span)
      bytes.append(",\"version\":\"")
      bytes.append(request.version)
      bytes.append("\",")
      if let route = request.route {
        bytes.append("\"route\":")
        bytes.append(json: route.utf8.span)
        bytes.append(UInt8(ascii: ","))
      }
    }
    if let status = record.status {
      bytes.append("\"status\":")
      bytes.append(decimal: Int(status.code))
      bytes.append(UInt8(ascii: ","))
    }
    bytes.append("\"received\":")
    bytes.append(decimal: record.receivedLength)
    bytes.append(",\"sent\":")
    bytes.append(decimal: record.sentLength)
    bytes.append(",\"duration\":")
    bytes.append(secondsIn: duration)
    bytes.append(",\"end\":\"")
    bytes.append(record.ending.text)
    bytes.append(UInt8(ascii: "\""))
    if let error = record.error {
      bytes.append(",\"error\":")
      bytes.append(json: text(of: error).utf8.span)
    }
    bytes.append("}\n")
  }

  private static func appendCommon(
    _ record: RequestRecord, _ duration: Int64, _ stamp: borrowing TimeStamp, to bytes: inout ByteBuffer
  ) {
    if let peer = record.remoteAddress {
      bytes.append(peer, withPort: false)
    } else {
      bytes.append(UInt8(ascii: "-"))
    }
    bytes.append(" - - [")
    stamp.append(to: &bytes)
    bytes.append("] \"")
    if let request = record.request {
      request.method.append(to: &bytes)
      bytes.append(UInt8(ascii: " "))
      bytes.append(escaped: request.targetBytes.span)
      bytes.append(UInt8(ascii: " "))
      bytes.append(request.version)
    } else {
      bytes.append(UInt8(ascii: "-"))
    }
    bytes.append("\" ")
    if let status = record.status { bytes.append(decimal: Int(status.code)) } else { bytes.append(UInt8(ascii: "-")) }
    bytes.append(UInt8(ascii: " "))
    if record.sentLength > 0 { bytes.append(decimal: record.sentLength) } else { bytes.append(UInt8(ascii: "-")) }
    bytes.append(" received=")
    bytes.append(decimal: record.receivedLength)
    bytes.append(" duration=")
    bytes.append(secondsIn: duration)
    if let route = record.request?.route {
      bytes.append(" route=\"")
      bytes.append(escaped: route.utf8.span)
      bytes.append(UInt8(ascii: "\""))
    }
    bytes.append(" request_id=")
    record.appendRequestID(to: &bytes)
    bytes.append(" end=\"")
    bytes.append(record.ending.text)
    bytes.append(UInt8(ascii: "\""))
    if let error = record.error {
      bytes.append(" error=\"")
      bytes.append(escaped: text(of: error).utf8.span)
      bytes.append(UInt8(ascii: "\""))
    }
    bytes.append(UInt8(ascii: "\n"))
  }

  /// Returns the description of `error`, shortened, since it may quote any amount of what a client has sent.
  private static func text(of error: any Error) -> String {
    let text = "\(error)"
    return text.utf8.count <= 1024 ? text : String(text.prefix(256)) + "…"
  }
}

/// The text of a time. The part without milliseconds is formatted at most once a second.
private struct TimeStamp {
  private var text: [UInt8] = []
  private var second: Int64 = -1
  private var milliseconds: Int?

  mutating func update(to time: WallTime, _ format: LogFormat) {
    let (second, rest) = time.nanosecondsSince1970.quotientAndRemainder(dividingBy: 1_000_000_000)
    milliseconds = format == .json ? Int(rest / 1_000_000) : nil
    if second != self.second { make(time, second, format) }
  }

  @inline(never)
  private mutating func make(_ time: WallTime, _ second: Int64, _ format: LogFormat) {
    self.second = second
    text.removeAll(keepingCapacity: true)
    if format == .json {
      time.appendRFC3339(to: &text)
      text.removeLast("000Z".utf8.count)
    } else {
      time.appendCommon(to: &text)
    }
  }

  func append(to bytes: inout ByteBuffer) {
    bytes.append(text.span)
    guard let milliseconds else { return }
    bytes.append(decimal: milliseconds, digits: 3)
    bytes.append(UInt8(ascii: "Z"))
  }
}

extension ByteBuffer {
  /// Appends `address`, in characters that neither format has to escape.
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
      append(address.description.utf8.span)
    } else {
      let text = address.description
      // The name of a Unix-domain socket may contain any bytes.
      for byte in text.utf8 {
        append(byte > 0x20 && !byte.isEscapedInLogs ? byte : UInt8(ascii: "?"))
      }
    }
  }

  fileprivate mutating func append(_ version: HTTPVersion) {
    append("HTTP/")
    append(decimal: Int(version.major))
    if version.major < 2 {
      append(UInt8(ascii: "."))
      append(decimal: Int(version.minor))
    }
  }

  /// Appends `nanoseconds` as seconds with six decimal places.
  fileprivate mutating func append(secondsIn nanoseconds: Int64) {
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    append(decimal: Int(seconds))
    append(UInt8(ascii: "."))
    append(decimal: Int(rest / 1000), digits: 6)
  }

  /// Appends `text` like `[UInt8].append(json:)`.
  fileprivate mutating func append(json text: Span<UInt8>) {
    if text.needsNoEscape {
      append(UInt8(ascii: "\""))
      append(text)
      append(UInt8(ascii: "\""))
    } else {
      var escaped: [UInt8] = []
      escaped.append(json: text)
      append(escaped.span)
    }
  }

  /// Appends `text` like `[UInt8].append(escaped:)`.
  fileprivate mutating func append(escaped text: Span<UInt8>) {
    if text.needsNoEscape { return append(text) }
    var escaped: [UInt8] = []
    escaped.append(escaped: text)
    append(escaped.span)
  }
}

extension Span<UInt8> {
  /// Whether neither format escapes anything in this text, which is true of nearly all text.
  fileprivate var needsNoEscape: Bool {
    for index in indices where self[index].isEscapedInLogs { return false }
    return true
  }
}

extension UInt8 {
  /// Whether this byte is a control character, a quote, a backslash, or not ASCII.
  fileprivate var isEscapedInLogs: Bool {
    self < 0x20 || self >= 0x7F || self == UInt8(ascii: "\"") || self == UInt8(ascii: "\\")
  }
}
