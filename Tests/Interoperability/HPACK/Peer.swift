import Glibc

/// Our decoder and encoder as a program that another controls, line by line:
///
///     decode BLOCK              prints LINES, or "error" and the reason
///     encode LINES              prints BLOCK
///     decoder-limit SIZE        sets the table size of our settings
///     encoder-limit SIZE        sets the table size of the other end's settings
///     reset                     resets both
///
/// A block is hexadecimal; lines are NAME:VALUE:SENSITIVE, with blanks between them, the first two hexadecimal and the
/// last 0 or 1.
@main
struct Peer {
  static func main() throws(HPACKError) {
    var decoder = HPACKDecoder()
    var encoder = HPACKEncoder()
    while let request = readLine() {
      defer { fflush(nil) }
      let words = request.split(separator: " ")
      switch words.first {
      case "reset":
        decoder = HPACKDecoder()
        encoder = HPACKEncoder()
      case "decoder-limit": decoder.setMaximumTableSize(Int(words[1]) ?? 0)
      case "encoder-limit": encoder.setMaximumTableSize(Int(words[1]) ?? 0)
      case "decode": print(decode(words.count > 1 ? bytes(words[1]) : [], with: &decoder))
      case "encode":
        var output = ByteBuffer(capacity: 256)
        for word in words.dropFirst() {
          let parts = word.split(separator: ":", omittingEmptySubsequences: false)
          encoder.encode(
            bytes(parts[0]).span, bytes(parts[1]).span, indexing: parts[2] == "1" ? .never : nil, into: &output)
        }
        print(hexadecimal(output.contents.span))
      default: preconditionFailure("what is \(request)?")
      }
    }
  }

  private static func decode(_ block: [UInt8], with decoder: inout HPACKDecoder) -> String {
    var lines: [String] = []
    do throws(HPACKError) {
      try decoder.decode(block.span, into: &lines) { lines, name, value, isSensitive in
        lines.append("\(hexadecimal(name)):\(hexadecimal(value)):\(isSensitive ? 1 : 0)")
      }
    } catch {
      return "error: \(error)"
    }
    return lines.joined(separator: " ")
  }

  private static func bytes(_ digits: Substring) -> [UInt8] {
    let values = digits.utf8.compactMap(\.hexadecimalValue)
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
  }

  private static func hexadecimal(_ bytes: Span<UInt8>) -> String {
    var text = ""
    for index in bytes.indices {
      text += String(bytes[index] >> 4, radix: 16)
      text += String(bytes[index] & 15, radix: 16)
    }
    return text
  }
}
