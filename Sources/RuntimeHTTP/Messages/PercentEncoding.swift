/// Percent-encoding of text in request targets (RFC 3986 section 2.1).
public enum PercentEncoding {
  /// Decodes `bytes`.
  ///
  /// - Returns: `nil` if a `%` is not followed by two hexadecimal digits, if the decoded bytes are not UTF-8, or if
  ///   they contain a NUL, which no legitimate client sends and which would end a C string early.
  public static func decode(_ bytes: some Sequence<UInt8>) -> String? {
    var decoder = Decoder(bytes.makeIterator(), plusIsSpace: false)
    var decoded: [UInt8] = []
    while let byte = decoder.next() {
      if byte == 0 { return nil }
      decoded.append(byte)
    }
    return decoder.isMalformed ? nil : String(validating: decoded, as: UTF8.self)
  }

  /// Decodes `text`. Returns `nil` in the same cases as ``decode(_:)-(Sequence<UInt8>)``.
  public static func decode(_ text: some StringProtocol) -> String? { decode(text.utf8) }

  /// Decodes a name or a value of an HTML form, as the URL standard decodes `application/x-www-form-urlencoded`: `+`
  /// becomes a space, a `%` that begins no escape is kept, and invalid UTF-8 becomes U+FFFD.
  public static func decodeForm(_ bytes: some Sequence<UInt8>) -> String {
    let decoded = Array(IteratorSequence(Decoder(bytes.makeIterator(), plusIsSpace: true)))
    return String(decoding: decoded, as: UTF8.self)
  }

  /// Escapes every byte of `text` except the unreserved characters of RFC 3986 section 2.3. The result can be used as a
  /// path segment, and as the name or the value of a query item.
  public static func encode(_ text: some StringProtocol) -> String {
    var encoded: [UInt8] = []
    encoded.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      if isUnreserved(byte) {
        encoded.append(byte)
      } else {
        encoded.append(UInt8(ascii: "%"))
        encoded.append(hexadecimalDigit(byte >> 4))
        encoded.append(hexadecimalDigit(byte & 15))
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  /// Whether every `%` of `bytes` begins an escape.
  static func isWellFormed(_ bytes: Span<UInt8>) -> Bool {
    var position = 0
    while let mark = bytes.firstIndex(of: UInt8(ascii: "%"), from: position) {
      guard mark + 2 < bytes.count, bytes[mark + 1].hexadecimalValue != nil, bytes[mark + 2].hexadecimalValue != nil
      else { return false }
      position = mark + 3
    }
    return true
  }

  /// Decodes `bytes`. A `%` that begins no escape is kept.
  static func decoded(_ bytes: Span<UInt8>) -> [UInt8] {
    bytes.withUnsafeBufferPointer { Array(IteratorSequence(Decoder($0.makeIterator(), plusIsSpace: false))) }
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      true
    default: false
    }
  }

  private static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
  }
}

/// Decodes byte by byte. A `%` that begins no escape is passed through, and sets `isMalformed`.
private struct Decoder<Base: IteratorProtocol<UInt8>>: IteratorProtocol {
  private var base: Base
  private let plusIsSpace: Bool
  /// Bytes that were read ahead and turned out not to belong to an escape.
  private var pending: (UInt8?, UInt8?) = (nil, nil)
  private(set) var isMalformed = false

  init(_ base: Base, plusIsSpace: Bool) {
    self.base = base
    self.plusIsSpace = plusIsSpace
  }

  mutating func next() -> UInt8? {
    guard let byte = nextRawByte() else { return nil }
    if byte == UInt8(ascii: "+"), plusIsSpace { return UInt8(ascii: " ") }
    if byte != UInt8(ascii: "%") { return byte }
    let high = nextRawByte()
    guard let highValue = high?.hexadecimalValue else {
      isMalformed = true
      pending = (high, pending.0)
      return byte
    }
    let low = nextRawByte()
    guard let lowValue = low?.hexadecimalValue else {
      isMalformed = true
      pending = (high, low)
      return byte
    }
    return highValue << 4 | lowValue
  }

  private mutating func nextRawByte() -> UInt8? {
    guard let byte = pending.0 else { return base.next() }
    pending = (pending.1, nil)
    return byte
  }
}
