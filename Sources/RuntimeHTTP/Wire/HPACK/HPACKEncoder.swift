/// Encodes the header lists that one end of a connection sends, in order (RFC 7541).
///
/// A line that was sent recently takes one byte or two. Strings are Huffman-encoded if that makes them shorter.
package struct HPACKEncoder: ~Copyable {
  /// The divisor of the table's size that gives the size of the largest indexed line. A line that takes more than half
  /// of the table could evict all others.
  private static let maximumEntryDivisor = 2

  private(set) var table: DynamicTable
  private var names = NameIndex()
  private let staticTable = StaticTable.shared
  private let huffman = HuffmanCode.shared
  /// The largest size of our table, whatever the peer allows, because it uses our memory.
  private let bound: Int
  /// The smallest and the last size that was set since the last block.
  private var sizeChange: (smallest: Int, last: Int)?
  /// The number of changes of the table's size.
  private var resizes = 0

  /// Creates an encoder whose table takes at most `maximumTableSize`, whatever the peer allows.
  package init(maximumTableSize: Int = DynamicTable.initialMaximumSize) {
    table = DynamicTable(maximumSize: DynamicTable.initialMaximumSize)
    bound = maximumTableSize
    setMaximumTableSize(DynamicTable.initialMaximumSize)
  }

  /// A number that changes whenever the table has changed or is about to. While it stays the same, the same lines are
  /// encoded as the same bytes.
  var tableVersion: Int { table.nextNumber + resizes }

  /// Applies the peer's SETTINGS_HEADER_TABLE_SIZE, between two blocks. The next block begins with the size updates
  /// that section 4.2 requires.
  package mutating func setMaximumTableSize(_ size: Int) {
    let size = min(size, bound)
    guard size != sizeChange?.last ?? table.maximumSize else { return }
    sizeChange = (min(size, sizeChange?.smallest ?? size), size)
    resizes += 1
  }

  /// Appends a line. Its name is sent in lower case (RFC 9113 section 8.2.1).
  ///
  /// - Parameter indexing: How the tables treat the line; `nil` lets the encoder decide.
  package mutating func encode(
    _ name: Span<UInt8>, _ value: Span<UInt8>, indexing: HPACKIndexing? = nil, into output: inout ByteBuffer
  ) {
    guard name.hasUppercase else { return encode(lowercase: name, value, indexing: indexing, into: &output) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: name.count) { lowercased in
      // In bounds: there is one byte for each of `name`. Without bounds checks, the loop is vectorised.
      for index in name.indices { lowercased[index] = name[unchecked: index].lowercased }
      encode(lowercase: UnsafeBufferPointer(lowercased).span, value, indexing: indexing, into: &output)
    }
  }

  /// Appends a line whose name is already in lower case.
  mutating func encode(
    _ name: StaticString, _ value: Span<UInt8>, indexing: HPACKIndexing? = nil, into output: inout ByteBuffer
  ) {
    name.withUTF8Buffer { encode(lowercase: $0.span, value, indexing: indexing, into: &output) }
  }

  /// Appends the `:status` line of a response (RFC 9113 section 8.3.2).
  mutating func encode(status code: Int, into output: inout ByteBuffer) {
    let zero = Int(UInt8(ascii: "0"))
    let digits: InlineArray<3, UInt8> = [
      UInt8(truncatingIfNeeded: zero + code / 100 % 10), UInt8(truncatingIfNeeded: zero + code / 10 % 10),
      UInt8(truncatingIfNeeded: zero + code % 10),
    ]
    encode(":status", digits.span, into: &output)
  }

  /// Appends a line that is not indexed, with the name of an entry of the static table.
  mutating func encode(nameIndex: Int, _ value: Span<UInt8>, into output: inout ByteBuffer) {
    if sizeChange != nil { changeSize(into: &output) }
    HPACKInteger.encode(nameIndex, prefix: 4, flags: 0x00, into: &output)
    append(value, to: &output)
  }

  private mutating func encode(
    lowercase name: Span<UInt8>, _ value: Span<UInt8>, indexing: HPACKIndexing?, into output: inout ByteBuffer
  ) {
    if sizeChange != nil { changeSize(into: &output) }
    let hash = NameHash(name)
    var nameIndex = staticTable.index(of: name, hash)
    var indexing = indexing ?? (nameIndex == 0 ? .incremental : staticTable[nameIndex].indexing)
    if indexing != .never, let line = staticTable.index(ofValue: value, nameIndex: nameIndex) {
      return HPACKInteger.encode(line, prefix: 7, flags: 0x80, into: &output)
    }
    if indexing == .incremental || nameIndex == 0 {
      let match = names.find(name, value, hash, in: table)
      if indexing == .incremental {
        if let line = match.line { return HPACKInteger.encode(index(of: line), prefix: 7, flags: 0x80, into: &output) }
        let length = name.count + value.count + DynamicTable.overhead
        if match.values == NameIndex.maximumValues || length > table.maximumSize / Self.maximumEntryDivisor {
          indexing = .without
        }
      }
      if nameIndex == 0, let name = match.name { nameIndex = index(of: name) }
    }
    switch indexing {
    case .incremental: HPACKInteger.encode(nameIndex, prefix: 6, flags: 0x40, into: &output)
    case .without: HPACKInteger.encode(nameIndex, prefix: 4, flags: 0x00, into: &output)
    case .never: HPACKInteger.encode(nameIndex, prefix: 4, flags: 0x10, into: &output)
    }
    if nameIndex == 0 { append(name, to: &output) }
    append(value, to: &output)
    if indexing == .incremental {
      table.add(name, value, link: names.add(hash, number: table.nextNumber))
    }
  }

  /// Returns the index of an entry of the dynamic table (section 2.3.3).
  @inline(__always)
  private func index(of number: Int) -> Int { StaticTable.count + table.nextNumber - number }

  /// Appends a string literal (section 5.2).
  private func append(_ text: Span<UInt8>, to output: inout ByteBuffer) {
    let length = HuffmanCode.encodedLength(of: text)
    if length < text.count {
      HPACKInteger.encode(length, prefix: 7, flags: 0x80, into: &output)
      huffman.encode(text, into: &output)
    } else {
      HPACKInteger.encode(text.count, prefix: 7, flags: 0, into: &output)
      output.append(text)
    }
  }

  /// Appends the size updates of section 4.2: the smallest size since the last block, and the current one.
  @inline(never)
  private mutating func changeSize(into output: inout ByteBuffer) {
    guard let change = sizeChange else { return }
    sizeChange = nil
    resizes += 1
    if change.smallest < change.last {
      table.resize(to: change.smallest)
      HPACKInteger.encode(change.smallest, prefix: 5, flags: 0x20, into: &output)
    }
    table.resize(to: change.last)
    HPACKInteger.encode(change.last, prefix: 5, flags: 0x20, into: &output)
  }
}
