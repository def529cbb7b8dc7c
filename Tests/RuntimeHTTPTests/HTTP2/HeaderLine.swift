@testable import RuntimeHTTP

/// A line of a header list, which shows its bytes as text.
struct HeaderLine: Hashable, CustomStringConvertible {
  var name: [UInt8]
  var value: [UInt8]
  var isSensitive = false

  init(name: [UInt8], value: [UInt8], isSensitive: Bool = false) {
    self.name = name
    self.value = value
    self.isSensitive = isSensitive
  }

  init(_ name: String, _ value: String, isSensitive: Bool = false) {
    self.init(name: Array(name.utf8), value: Array(value.utf8), isSensitive: isSensitive)
  }

  var description: String {
    "\(String(decoding: name, as: UTF8.self)): \(String(decoding: value, as: UTF8.self))\(isSensitive ? " (never)" : "")"
  }
}

extension HPACKDecoder {
  mutating func decode(_ block: [UInt8]) throws(HPACKError) -> [HeaderLine] {
    var lines: [HeaderLine] = []
    try decode(block.span, into: &lines) { lines, name, value, isSensitive in
      lines.append(HeaderLine(name: Array(name), value: Array(value), isSensitive: isSensitive))
    }
    return lines
  }
}

extension HPACKEncoder {
  /// A block of these lines. `indexing` applies to lines that are not sensitive.
  mutating func encode(_ lines: [HeaderLine], indexing: HPACKIndexing? = nil) -> [UInt8] {
    var output = ByteBuffer(capacity: 16)
    for line in lines {
      encode(line.name.span, line.value.span, indexing: line.isSensitive ? .never : indexing, into: &output)
    }
    return Array(output.contents)
  }
}

extension DynamicTable {
  /// The entries in the format of the RFC's examples, newest first.
  var lines: [String] {
    (oldestNumber..<nextNumber).reversed().map { number in
      let entry = self[number]
      return HeaderLine(name: Array(bytes[nameRange(entry)]), value: Array(bytes[valueRange(entry)])).description
    }
  }
}

extension Array<UInt8> {
  init(_ span: Span<UInt8>) {
    self = span.withUnsafeBufferPointer { Array($0) }
  }

  /// The bytes of pairs of hexadecimal digits, without blanks.
  init(hex: String) {
    let digits = hex.utf8.compactMap(\.hexadecimalValue)
    precondition(digits.count % 2 == 0)
    self = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  var hex: String {
    map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
