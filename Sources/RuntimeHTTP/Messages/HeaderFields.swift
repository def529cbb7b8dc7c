/// The fields of a message's head, or its trailers (RFC 9110 section 5): in order, several values to a name, and names
/// that do not mind their case.
///
/// All names and values lie in one buffer, and a field is four numbers that say where. What came from the network is
/// put there once and becomes a `String` only where somebody asks for one.
///
/// No field can split a message: a name is a token, and a value holds no control character but HTAB. ``append(_:_:)``
/// throws where that is not so. The subscript and a dictionary literal cannot throw: they put a space where a value has
/// a forbidden character, as RFC 9110 section 5.5 allows, and leave out a field whose name is none.
public struct HeaderFields: Sendable {
  /// Where a field is in `bytes`.
  struct Entry: Sendable {
    var nameStart: UInt32
    var valueStart: UInt32
    var valueLength: UInt32
    var nameLength: UInt16
    var name: FieldName
  }

  /// The longest name of a field: an entry holds no more.
  static var longestName: Int { Int(UInt16.max) }

  var bytes: [UInt8] = []
  var entries: [Entry] = []

  /// No fields.
  public init() {}

  /// How many fields there are; a name that comes twice counts twice.
  public var count: Int { entries.count }

  /// Whether there are none.
  public var isEmpty: Bool { entries.isEmpty }

  /// The first value of `name`. Setting it replaces every value of that name; setting `nil` removes them.
  public subscript(name: String) -> String? {
    get {
      for entry in entries where matches(entry, name) { return value(of: entry) }
      return nil
    }
    set {
      if let newValue { set(name, newValue) } else { remove(name) }
    }
  }

  /// Every value of `name`, in order.
  public func values(for name: String) -> [String] {
    entries.filter { matches($0, name) }.map(value(of:))
  }

  /// Whether there is a field called `name`.
  public func contains(_ name: String) -> Bool {
    entries.contains { matches($0, name) }
  }

  /// Adds a field after the others.
  ///
  /// - Throws: ``InvalidHeaderField`` if `name` is no token or `value` holds a control character other than HTAB.
  public mutating func append(_ name: String, _ value: String) throws(InvalidHeaderField) {
    try append(name, bytes: value.utf8.span)
  }

  /// Adds a field after the others, whose value need not be UTF-8 (RFC 9110 section 5.5, `obs-text`).
  ///
  /// - Throws: ``InvalidHeaderField`` if `name` is no token or `value` holds a control character other than HTAB.
  public mutating func append(_ name: String, bytes value: Span<UInt8>) throws(InvalidHeaderField) {
    guard isToken(name), value.indices.allSatisfy({ Self.isValueByte(value[$0]) }) else {
      throw InvalidHeaderField(name: name, value: value.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
    }
    appendMended(name, value)
  }

  /// Removes every field called `name`.
  public mutating func remove(_ name: String) {
    guard contains(name) else { return }
    let kept = entries.filter { !matches($0, name) }
    entries = kept
  }

  /// Removes all fields, and keeps the memory for others where `keepingCapacity` says so.
  public mutating func removeAll(keepingCapacity: Bool = false) {
    bytes.removeAll(keepingCapacity: keepingCapacity)
    entries.removeAll(keepingCapacity: keepingCapacity)
  }

  private mutating func set(_ name: String, _ value: String) {
    guard let index = entries.firstIndex(where: { matches($0, name) }) else {
      return appendMended(name, value.utf8.span)
    }
    let count = entries.count
    appendMended(name, value.utf8.span)
    guard entries.count > count, let entry = entries.popLast() else { return }
    entries[index] = entry
    let kept = entries.enumerated().filter { $0.offset <= index || !matches($0.element, name) }.map(\.element)
    entries = kept
  }

  /// Adds a field with spaces for what `value` may not hold; does nothing if `name` is no token.
  private mutating func appendMended(_ name: String, _ value: Span<UInt8>) {
    guard isToken(name) else { return }
    let start = bytes.count
    bytes.append(contentsOf: name.utf8)
    let middle = bytes.count
    for index in value.indices { bytes.append(Self.isValueByte(value[index]) ? value[index] : 0x20) }
    // Blanks at the ends belong to no value (RFC 9110 section 5.5).
    let trimmed = bytes.span.trimmed(from: middle, to: bytes.count)
    guard let nameStart = UInt32(exactly: start), let valueStart = UInt32(exactly: trimmed.lowerBound),
      let valueLength = UInt32(exactly: trimmed.count), let nameLength = UInt16(exactly: middle - start)
    else {
      // Beyond four gigabytes of fields, or 64 KiB of name, there is no saying where a field is.
      bytes.removeLast(bytes.count - start)
      return
    }
    entries.append(
      Entry(
        nameStart: nameStart, valueStart: valueStart, valueLength: valueLength, nameLength: nameLength,
        name: FieldName(bytes.span.extracting(start..<middle))))
  }

  /// Whether a value may hold `byte`: any but control characters, of which HTAB alone is allowed (RFC 9110 section 5.5).
  @inline(__always)
  private static func isValueByte(_ byte: UInt8) -> Bool { (byte >= 0x20 && byte != 0x7F) || byte == 0x09 }

  private func isToken(_ name: String) -> Bool {
    let token = CharacterClass.token
    return !name.isEmpty && name.utf8.count <= Self.longestName && name.utf8.allSatisfy { token.contains($0) }
  }
}

extension HeaderFields {
  @inline(__always)
  func nameRange(_ entry: Entry) -> Range<Int> {
    let start = Int(entry.nameStart)
    return start..<start + Int(entry.nameLength)
  }

  @inline(__always)
  func valueRange(_ entry: Entry) -> Range<Int> {
    let start = Int(entry.valueStart)
    return start..<start + Int(entry.valueLength)
  }

  private func matches(_ entry: Entry, _ name: String) -> Bool {
    guard Int(entry.nameLength) == name.utf8.count else { return false }
    let (own, wanted) = (bytes.span.extracting(nameRange(entry)), name.utf8.span)
    // Most names are written the same way in both.
    return own.equals(wanted) || own.equalsIgnoringCase(wanted)
  }

  /// Calls `body` with the name and the value of each field, in order, as the bytes that were sent.
  ///
  /// A value that is no UTF-8 is whole only here: elsewhere it becomes a `String`, in which other bytes are replaced.
  public func forEachField<Failure: Error>(
    _ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    for entry in entries {
      try body(bytes.span.extracting(nameRange(entry)), bytes.span.extracting(valueRange(entry)))
    }
  }

  private func value(of entry: Entry) -> String { String(decoding: bytes[valueRange(entry)], as: UTF8.self) }
}

extension HeaderFields: Sequence {
  /// The fields in order, each with its name as it was written.
  public struct Iterator: IteratorProtocol {
    let fields: HeaderFields
    var position = 0

    /// The next field.
    public mutating func next() -> (name: String, value: String)? {
      guard position < fields.entries.count else { return nil }
      let entry = fields.entries[position]
      position += 1
      return (String(decoding: fields.bytes[fields.nameRange(entry)], as: UTF8.self), fields.value(of: entry))
    }
  }

  /// Goes through the fields in order.
  public func makeIterator() -> Iterator { Iterator(fields: self) }

  /// The number of fields.
  public var underestimatedCount: Int { count }
}

extension HeaderFields: ExpressibleByDictionaryLiteral {
  /// The fields of the literal, in its order; a name may come more than once.
  public init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { appendMended(name, value.utf8.span) }
  }
}

extension HeaderFields: Hashable {
  /// Whether both have the same fields in the same order, names compared without regard to case.
  public static func == (left: HeaderFields, right: HeaderFields) -> Bool {
    left.count == right.count
      && zip(left, right).allSatisfy { $0.name.lowercased() == $1.name.lowercased() && $0.value == $1.value }
  }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) {
    for (name, value) in self {
      hasher.combine(name.lowercased())
      hasher.combine(value)
    }
  }
}

extension HeaderFields: CustomStringConvertible {
  /// A line a field, as in `Host: example.org`.
  public var description: String { map { "\($0.name): \($0.value)" }.joined(separator: "\n") }
}

extension HeaderFields {
  /// The length of the content in bytes, where a single `Content-Length` says it in digits alone.
  public var contentLength: Int? {
    get {
      var found: Entry?
      for entry in entries where entry.name == .contentLength {
        if found != nil { return nil }
        found = entry
      }
      return found.flatMap { bytes.span.extracting(valueRange($0)).decimalValue }
    }
    set { self["Content-Length"] = newValue.map(String.init) }
  }

  /// The media type of the content, where there is a `Content-Type` that reads as one.
  public var contentType: MediaType? {
    get { self["Content-Type"].flatMap { MediaType($0) } }
    set { self["Content-Type"] = newValue?.description }
  }
}
