@testable import RuntimeHTTP

/// Feeds header blocks to a decoder (RFC 7541), several per connection. The decoded fields go through an encoder and
/// another decoder, and have to be the same afterwards.
///
/// The first byte of the input is the size of the table; one byte before each block is its length.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHPACK(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = UnsafeBufferPointer(start: start, count: count)
  guard let first = input.first else { return 0 }
  let tableSize = Int(first) * 16
  var decoder = HPACKDecoder(maximumTableSize: tableSize)
  var encoder = HPACKEncoder(maximumTableSize: tableSize)
  var otherDecoder = HPACKDecoder(maximumTableSize: tableSize)
  var position = 1
  while position < count {
    let end = min(position + 1 + Int(input[position]), count)
    let block = UnsafeBufferPointer(rebasing: input[position + 1..<end])
    position = end
    guard let lines = decode(block, with: &decoder) else { return 0 }
    precondition(decoder.table.size <= tableSize)
    var output = ByteBuffer(capacity: 64)
    for line in lines {
      encoder.encode(line.name.span, line.value.span, indexing: line.isSensitive ? .never : nil, into: &output)
    }
    let found = decode(output.contents, with: &otherDecoder)
    precondition(found?.count == lines.count)
    for (line, found) in zip(lines, found ?? []) {
      precondition(found.name == line.name.map(\.lowercased) && found.value == line.value)
      precondition(found.isSensitive || !line.isSensitive)
    }
    precondition(encoder.table.size == otherDecoder.table.size)
  }
  return 0
}

private struct Line {
  var name: [UInt8]
  var value: [UInt8]
  var isSensitive: Bool
}

private func decode(_ block: UnsafeBufferPointer<UInt8>, with decoder: inout HPACKDecoder) -> [Line]? {
  var lines: [Line] = []
  do throws(HPACKError) {
    try decoder.decode(block.span, into: &lines) { lines, name, value, isSensitive in
      let name = name.withUnsafeBufferPointer { Array($0) }
      let value = value.withUnsafeBufferPointer { Array($0) }
      lines.append(Line(name: name, value: value, isSensitive: isSensitive))
    }
  } catch {
    return nil
  }
  return lines
}
