/// The layout of fields in memory.
extension HeaderFields {
  /// The position of a field in ``HeaderFields/bytes``.
  ///
  /// A field is stored as a word, followed by the line that HTTP/1 sends: `name: value` with a CRLF. The word holds the
  /// length of the name in the lowest 16 bits, the ``FieldName`` in the next 8, and the length of the value in the
  /// upper half.
  struct Entry: Sendable {
    /// The size of the word.
    fileprivate static let head = MemoryLayout<UInt64>.size
    /// The number of bytes of an entry in addition to its name and value: the word, and four bytes of the line.
    fileprivate static let overhead = head + 4

    /// The start of the line.
    private let start: Int
    private let word: UInt64

    @inline(__always)
    fileprivate init(at position: Int, in bytes: Span<UInt8>) {
      start = position + Self.head
      word = bytes.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
    }

    @inline(__always)
    fileprivate static func word(_ nameLength: Int, _ name: FieldName, _ valueLength: Int) -> UInt64 {
      UInt64(truncatingIfNeeded: nameLength) | UInt64(name.rawValue) << 16 | UInt64(truncatingIfNeeded: valueLength)
        << 32
    }

    @inline(__always) var nameLength: Int { Int(truncatingIfNeeded: word & 0xFFFF) }
    @inline(__always) private var valueLength: Int { Int(truncatingIfNeeded: word >> 32) }

    /// The name, if it is one that the engine interprets.
    @inline(__always) var name: FieldName { FieldName(rawValue: UInt8(truncatingIfNeeded: word >> 16)) ?? .other }

    @inline(__always) var nameRange: Range<Int> { start..<start + nameLength }

    @inline(__always)
    var valueRange: Range<Int> {
      let first = start + nameLength + 2
      return first..<first + valueLength
    }

    /// The range of the line, including the CRLF.
    @inline(__always) var lineRange: Range<Int> { start..<valueRange.upperBound + 2 }
  }

  /// Returns the entry at `position` and moves `position` past it. Returns `nil` at the end. The first entry is at 0.
  ///
  /// There is no `Sequence` of entries, because each loop over one would retain the fields.
  @inline(__always)
  func nextEntry(_ position: inout Int) -> Entry? {
    guard position < bytes.count else { return nil }
    let entry = Entry(at: position, in: bytes.span)
    position = entry.lineRange.upperBound
    return entry
  }

  /// The entry of the first field.
  var firstEntry: Entry? {
    var position = 0
    return nextEntry(&position)
  }

  /// A colon and a space.
  private static var colon: UInt16 { UInt16(littleEndian: 0x203A) }
  /// CRLF.
  private static var lineEnd: UInt16 { UInt16(littleEndian: 0x0A0D) }

  /// Adds a field whose name is a valid token and whose value is valid.
  ///
  /// Does nothing if a length exceeds what an entry can store, such as a value of four gigabytes.
  @inline(__always)
  mutating func append(_ name: Span<UInt8>, _ known: FieldName, _ value: Span<UInt8>) {
    guard name.count <= Self.longestName, value.count <= UInt32.max else { return }
    let length = Entry.overhead + name.count + value.count
    bytes.append(addingCapacity: length) { output in
      output.withUnsafeMutableBufferPointer { room, count in
        // In bounds: the room is `length` bytes, which is the sum of what is stored here.
        let line = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(room)[Entry.head..<length])
        let valueStart = name.count + 2
        room.baseAddress.map(UnsafeMutableRawPointer.init)?.storeBytes(
          of: Entry.word(name.count, known, value.count), as: UInt64.self)
        name.withUnsafeBytes { line.copyMemory(from: $0) }
        line.storeBytes(of: Self.colon, toByteOffset: name.count, as: UInt16.self)
        value.withUnsafeBytes {
          UnsafeMutableRawBufferPointer(rebasing: line[valueStart...]).copyMemory(from: $0)
        }
        line.storeBytes(of: Self.lineEnd, toByteOffset: valueStart + value.count, as: UInt16.self)
        count = length
      }
    }
    count += 1
  }

  /// Adds the field of `others` at `entry`.
  mutating func append(_ entry: Entry, of others: HeaderFields) {
    let span = others.bytes.span
    append(span.extracting(entry.nameRange), entry.name, span.extracting(entry.valueRange))
  }

  /// Returns the fields for which `isKept` returns `true`.
  func filtered(_ isKept: (Entry) -> Bool) -> HeaderFields {
    var kept = HeaderFields()
    var position = 0
    while let entry = nextEntry(&position) {
      if isKept(entry) { kept.append(entry, of: self) }
    }
    return kept
  }

  /// Returns whether these fields equal `others`, byte for byte.
  @inline(__always)
  func isByteIdentical(to others: HeaderFields) -> Bool {
    // Fields of a constant response are still in the same memory.
    bytes.span.isIdentical(to: others.bytes.span) || bytes.span.equals(others.bytes.span)
  }
}
