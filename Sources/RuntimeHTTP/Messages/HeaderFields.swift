/// The header fields or trailers of a message (RFC 9110 section 5). Fields are ordered, a name may have several values,
/// and names are case-insensitive.
///
/// All fields are in one array, each as the line that HTTP/1 sends. Names and values become a `String` only on access.
///
/// No field can split a message: a name is a token, and a value contains no control characters except HTAB.
/// ``append(_:_:)`` throws an error otherwise. The subscript and a dictionary literal cannot throw: they replace
/// forbidden characters of a value by spaces, as RFC 9110 section 5.5 allows, and ignore fields whose names are
/// invalid.
public struct HeaderFields: Sendable {
  /// The maximum length of a field's name, which is what an entry can store.
  static var longestName: Int { Int(UInt16.max) }

  /// The fields, one after another. ``Entry`` says how each is stored.
  var bytes: [UInt8] = []

  /// The number of fields. A name that occurs twice counts twice.
  public internal(set) var count = 0

  /// Creates an empty collection.
  public init() {}

  /// Whether there are no fields.
  public var isEmpty: Bool { count == 0 }

  /// The first value of `name`. Setting it replaces all values of that name; setting `nil` removes them.
  public subscript(name: String) -> String? {
    get {
      first(name).map(value(of:))
    }
    set {
      if let newValue { set(name, newValue) } else { remove(name) }
    }
  }

  /// Returns all values of `name`, in order.
  public func values(for name: String) -> [String] {
    var values: [String] = []
    var position = 0
    while let entry = nextEntry(&position) {
      if matches(entry, name) { values.append(value(of: entry)) }
    }
    return values
  }

  /// Returns whether there is a field called `name`.
  public func contains(_ name: String) -> Bool {
    first(name) != nil
  }

  /// Adds a field after the others.
  ///
  /// - Throws: ``InvalidHeaderField`` if `name` is not a token or `value` contains a control character other than HTAB.
  public mutating func append(_ name: String, _ value: String) throws(InvalidHeaderField) {
    try append(name, bytes: value.utf8.span)
  }

  /// Adds a field after the others. Its value need not be UTF-8 (RFC 9110 section 5.5, `obs-text`).
  ///
  /// - Throws: ``InvalidHeaderField`` if `name` is not a token or `value` contains a control character other than HTAB.
  public mutating func append(_ name: String, bytes value: Span<UInt8>) throws(InvalidHeaderField) {
    guard isToken(name), value.isFieldContent else {
      throw InvalidHeaderField(name: name, value: value.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
    }
    appendSanitized(name, value)
  }

  /// Removes all fields called `name`.
  public mutating func remove(_ name: String) {
    guard contains(name) else { return }
    self = filtered { !matches($0, name) }
  }

  /// Removes all fields. Keeps the memory if `keepingCapacity` is true.
  public mutating func removeAll(keepingCapacity: Bool = false) {
    if isEmpty && keepingCapacity { return }
    bytes.removeAll(keepingCapacity: keepingCapacity)
    count = 0
  }

  private mutating func set(_ name: String, _ value: String) {
    guard contains(name) else { return appendSanitized(name, value.utf8.span) }
    var changed = HeaderFields()
    var isSet = false
    var position = 0
    while let entry = nextEntry(&position) {
      if !matches(entry, name) {
        changed.append(entry, of: self)
      } else if !isSet {
        changed.appendSanitized(name, value.utf8.span)
        isSet = true
      }
    }
    self = changed
  }

  /// Adds a field, with spaces in place of forbidden characters. Does nothing if `name` is not a token.
  private mutating func appendSanitized(_ name: String, _ value: Span<UInt8>) {
    guard isToken(name) else { return }
    // Blanks at either end are not part of the value (RFC 9110 section 5.5).
    let trimmed = value.extracting(value.trimmed(from: 0, to: value.count))
    if trimmed.isFieldContent { return append(name.utf8.span, FieldName(name.utf8.span), trimmed) }
    var sanitized: [UInt8] = []
    for index in trimmed.indices { sanitized.append(trimmed[index].isFieldContent ? trimmed[index] : 0x20) }
    append(
      name.utf8.span, FieldName(name.utf8.span),
      sanitized.span.extracting(sanitized.span.trimmed(from: 0, to: sanitized.count)))
  }

  private func isToken(_ name: String) -> Bool {
    let token = CharacterClass.token
    return !name.isEmpty && name.utf8.count <= Self.longestName && name.utf8.allSatisfy { token.contains($0) }
  }
}

extension HeaderFields {
  /// The first field called `name`.
  private func first(_ name: String) -> Entry? {
    var position = 0
    while let entry = nextEntry(&position) {
      if matches(entry, name) { return entry }
    }
    return nil
  }

  private func matches(_ entry: Entry, _ name: String) -> Bool {
    guard entry.nameLength == name.utf8.count else { return false }
    let (own, wanted) = (bytes.span.extracting(entry.nameRange), name.utf8.span)
    // Most names are spelt with the same case on both sides.
    return own.equals(wanted) || own.equalsIgnoringCase(wanted)
  }

  /// Calls `body` with the name and the value of each field, in order, as the bytes that were sent.
  ///
  /// Only here is a value that is not UTF-8 preserved: in a `String`, invalid bytes are replaced.
  public func forEachField<Failure: Error>(
    _ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    var position = 0
    while let entry = nextEntry(&position) {
      try body(bytes.span.extracting(entry.nameRange), bytes.span.extracting(entry.valueRange))
    }
  }

  private func value(of entry: Entry) -> String { String(decoding: bytes[entry.valueRange], as: UTF8.self) }
}

extension HeaderFields: Sequence {
  /// An iterator over the fields in order. Names are spelt as they were sent.
  public struct Iterator: IteratorProtocol {
    let fields: HeaderFields
    var position = 0

    /// Returns the next field, or `nil` after the last.
    public mutating func next() -> (name: String, value: String)? {
      guard let entry = fields.nextEntry(&position) else { return nil }
      return (String(decoding: fields.bytes[entry.nameRange], as: UTF8.self), fields.value(of: entry))
    }
  }

  /// Returns an iterator over the fields.
  public func makeIterator() -> Iterator { Iterator(fields: self) }

  /// The number of fields.
  public var underestimatedCount: Int { count }
}

extension HeaderFields: ExpressibleByDictionaryLiteral {
  /// Creates the fields of the literal, in order. A name may occur more than once.
  public init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { appendSanitized(name, value.utf8.span) }
  }
}

extension HeaderFields: Hashable {
  /// Returns whether both have the same fields in the same order. The case of names is ignored.
  public static func == (left: HeaderFields, right: HeaderFields) -> Bool {
    left.count == right.count
      && zip(left, right).allSatisfy { $0.name.lowercased() == $1.name.lowercased() && $0.value == $1.value }
  }

  /// Hashes the fields consistently with `==`.
  public func hash(into hasher: inout Hasher) {
    for (name, value) in self {
      hasher.combine(name.lowercased())
      hasher.combine(value)
    }
  }
}

extension HeaderFields: CustomStringConvertible {
  /// The fields, one per line, such as `Host: example.org`.
  public var description: String { map { "\($0.name): \($0.value)" }.joined(separator: "\n") }
}

extension HeaderFields {
  /// The length of the content in bytes, if there is exactly one `Content-Length` field and it consists of digits.
  public var contentLength: Int? {
    get {
      var found: Entry?
      var position = 0
      while let entry = nextEntry(&position) {
        guard entry.name == .contentLength else { continue }
        if found != nil { return nil }
        found = entry
      }
      return found.flatMap { bytes.span.extracting($0.valueRange).decimalValue }
    }
    set { self["Content-Length"] = newValue.map(String.init) }
  }

  /// The media type of the content, if there is a valid `Content-Type` field.
  public var contentType: MediaType? {
    get { self["Content-Type"].flatMap { MediaType($0) } }
    set { self["Content-Type"] = newValue?.description }
  }
}
