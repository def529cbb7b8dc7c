/// Decodes the header blocks that one end of a connection sends, in order (RFC 7541).
///
/// Decoded lines are passed on as spans of the tables or of a reused buffer, so a line costs no allocation. One byte
/// may refer to a line as long as the whole table, so the length of the decoded list has a limit of its own.
package struct HPACKDecoder: ~Copyable {
  /// The largest line buffer, in bytes, that is kept from one block to the next.
  private static let keptCapacity = 4096

  private(set) var table: DynamicTable
  /// The largest size of the table that our settings allow.
  private var limit: Int
  /// The size to which the next block has to reduce the table before anything else, if any.
  private var requiredSize: Int?
  private let staticTable = StaticTable.shared
  private let huffman = HuffmanCode.shared
  /// A buffer for lines that are not entirely in the tables.
  private var line = ByteBuffer(capacity: 0)

  package init(maximumTableSize: Int = 4096) {
    table = DynamicTable(maximumSize: maximumTableSize)
    limit = maximumTableSize
  }

  /// Applies our SETTINGS_HEADER_TABLE_SIZE when the peer has acknowledged it (RFC 9113 section 4.3.1).
  mutating func setMaximumTableSize(_ size: Int) {
    limit = size
    // RFC 7541 section 4.2: of several changes between two blocks, the peer has to signal the smallest.
    if size < requiredSize ?? table.maximumSize { requiredSize = size }
  }

  /// Decodes a whole block, all its fragments joined, and calls `field` for each line, in order.
  ///
  /// The spans are valid only during the call. `field` cannot stop the decoding: even if the list is refused, its lines
  /// have to be decoded, because later blocks refer to them. `field` should ignore lines once the list is too large
  /// (RFC 9113 section 10.5.1).
  ///
  /// - Parameter limit: The longest list that is decoded to its end, counted as in RFC 9113 section 6.5.2.
  /// - Throws: The reason why the block is invalid. The table then no longer matches the peer's, so the connection has
  ///   to end.
  package mutating func decode<Output: ~Copyable>(
    _ block: Span<UInt8>, upTo limit: Int = .max, into output: inout Output,
    _ field: (_ output: inout Output, _ name: Span<UInt8>, _ value: Span<UInt8>, _ isSensitive: Bool) -> Void
  ) throws(HPACKError) {
    var position = 0
    var left = limit
    try changeSize(block, at: &position)
    while position < block.count {
      let first = block[position]
      if first & 0x80 != 0 {
        let index = try HPACKInteger.decode(block, at: &position, prefix: 7)
        if index > StaticTable.count {
          let entry = try dynamicEntry(index)
          let bytes = table.bytes
          try deductLine(Int(entry.nameLength) + Int(entry.valueLength), from: &left)
          field(
            &output, bytes.span.extracting(table.nameRange(entry)), bytes.span.extracting(table.valueRange(entry)),
            false)
        } else {
          guard index > 0 else { throw .invalidIndex }
          let entry = staticTable[index]
          try deductLine(0, from: &left)
          entry.name.withUTF8Buffer { name in
            entry.value.withUTF8Buffer { value in field(&output, name.span, value.span, false) }
          }
        }
        continue
      }
      let isIndexed = first & 0x40 != 0
      guard isIndexed || first & 0x20 == 0 else { throw .misplacedSizeUpdate }
      line.removeAll()
      let nameIndex = try HPACKInteger.decode(block, at: &position, prefix: isIndexed ? 6 : 4)
      if nameIndex == 0 { try appendString(block, at: &position) } else { try appendName(nameIndex) }
      let nameLength = line.count
      try appendString(block, at: &position)
      try deductLine(line.count, from: &left)
      let bytes = line.contents
      let name = bytes.span.extracting(0..<nameLength)
      let value = bytes.span.extracting(nameLength..<bytes.count)
      if isIndexed { table.add(name, value) }
      field(&output, name, value, !isIndexed && first & 0x10 != 0)
    }
    if line.capacity > Self.keptCapacity { line = ByteBuffer(capacity: 0) }
  }

  /// Subtracts a line of `length` bytes from `left`, the rest of the limit. The lengths of lines in the static table are
  /// ignored: they are small compared to the overhead that each line counts for.
  @inline(__always)
  private func deductLine(_ length: Int, from left: inout Int) throws(HPACKError) {
    left -= length + DynamicTable.overhead
    if left < 0 { throw .listTooLong }
  }

  /// Reads the size updates that a block may begin with (sections 4.2 and 6.3).
  private mutating func changeSize(_ block: Span<UInt8>, at position: inout Int) throws(HPACKError) {
    while position < block.count, block[position] & 0xE0 == 0x20 {
      let size = try HPACKInteger.decode(block, at: &position, prefix: 5)
      guard size <= limit else { throw .sizeUpdateTooLarge }
      if let required = requiredSize {
        guard size <= required else { throw .missingSizeUpdate }
        requiredSize = nil
      }
      table.resize(to: size)
    }
    if requiredSize != nil { throw .missingSizeUpdate }
  }

  @inline(__always)
  private func dynamicEntry(_ index: Int) throws(HPACKError) -> DynamicTable.Entry {
    let age = index - StaticTable.count
    guard age <= table.count else { throw .invalidIndex }
    return table[table.nextNumber - age]
  }

  /// Appends the name of the entry at `index` to the line.
  private mutating func appendName(_ index: Int) throws(HPACKError) {
    if index > StaticTable.count {
      let entry = try dynamicEntry(index)
      line.append(table.bytes.span.extracting(table.nameRange(entry)))
    } else {
      line.append(staticTable[index].name)
    }
  }

  /// Appends a string literal (section 5.2) to the line.
  private mutating func appendString(_ block: Span<UInt8>, at position: inout Int) throws(HPACKError) {
    guard position < block.count else { throw .truncated }
    let isHuffman = block[position] & 0x80 != 0
    let length = try HPACKInteger.decode(block, at: &position, prefix: 7)
    guard length <= block.count - position else { throw .truncated }
    let text = block.extracting(position..<position + length)
    position += length
    if isHuffman { try huffman.decode(text, into: &line) } else { line.append(text) }
  }
}
