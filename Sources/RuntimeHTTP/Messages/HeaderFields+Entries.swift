/// How fields lie in memory.
extension HeaderFields {
  /// Where a field is in ``HeaderFields/bytes``.
  ///
  /// Its line is there as HTTP/1 sends it, and in front of the line a word: the length of the name in the lowest 16 bits,
  /// which name it is in the next 8, and the length of the value in the upper half.
  struct Entry: Sendable {
    /// How long the word is.
    fileprivate static let head = MemoryLayout<UInt64>.size
    /// What an entry takes beside its name and its value: the word, and four bytes of its line.
    fileprivate static let overhead = head + 4

    /// Where the line begins.
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

    /// Which of the names that mean something to the engine it has.
    @inline(__always) var name: FieldName { FieldName(rawValue: UInt8(truncatingIfNeeded: word >> 16)) ?? .other }

    @inline(__always) var nameRange: Range<Int> { start..<start + nameLength }

    @inline(__always)
    var valueRange: Range<Int> {
      let first = start + nameLength + 2
      return first..<first + valueLength
    }

    /// Where its line is, with the CRLF.
    @inline(__always) var lineRange: Range<Int> { start..<valueRange.upperBound + 2 }
  }

  /// Returns the entry at `position`, which is moved past it; `nil` at the end. The first is at 0.
  ///
  /// A loop over a sequence of entries would take a reference to the fields each time.
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

  /// Adds a field whose name is known to be a token, and whose value to hold nothing that is forbidden.
  ///
  /// It does nothing where a length is more than an entry holds: a value of four gigabytes.
  @inline(__always)
  mutating func append(_ name: Span<UInt8>, _ known: FieldName, _ value: Span<UInt8>) {
    guard name.count <= Self.longestName, value.count <= UInt32.max else { return }
    let length = Entry.overhead + name.count + value.count
    bytes.append(addingCapacity: length) { output in
      output.withUnsafeMutableBufferPointer { room, count in
        // Within the room, which has been made for `length` bytes: these are as many.
        let line = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(room)[Entry.head..<length])
        let value0 = name.count + 2
        room.baseAddress.map(UnsafeMutableRawPointer.init)?.storeBytes(
          of: Entry.word(name.count, known, value.count), as: UInt64.self)
        name.withUnsafeBytes { line.copyMemory(from: $0) }
        line.storeBytes(of: Self.colon, toByteOffset: name.count, as: UInt16.self)
        value.withUnsafeBytes {
          UnsafeMutableRawBufferPointer(rebasing: line[value0...]).copyMemory(from: $0)
        }
        line.storeBytes(of: Self.lineEnd, toByteOffset: value0 + value.count, as: UInt16.self)
        count = length
      }
    }
    count += 1
  }

  /// Adds the field of `others` that `entry` names.
  mutating func append(_ entry: Entry, of others: HeaderFields) {
    let span = others.bytes.span
    append(span.extracting(entry.nameRange), entry.name, span.extracting(entry.valueRange))
  }

  /// The fields of which `isKept` says so.
  func filtered(_ isKept: (Entry) -> Bool) -> HeaderFields {
    var kept = HeaderFields()
    var position = 0
    while let entry = nextEntry(&position) {
      if isKept(entry) { kept.append(entry, of: self) }
    }
    return kept
  }

  /// Whether these are the same fields as `others`, byte for byte.
  @inline(__always)
  func isWrittenLike(_ others: HeaderFields) -> Bool {
    // Those of a response that is made once lie where they lay.
    bytes.span.isIdentical(to: others.bytes.span) || bytes.span.equals(others.bytes.span)
  }
}
