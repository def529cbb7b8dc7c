public import HTTPTypes
public import RuntimeHTTP

extension HTTPFields {
  /// The maximum number of fields in a value of this type: one more would trap.
  static var mostFields: Int { Int(UInt16.max) - 1 }

  /// Creates fields in the same order, with duplicates and names as written. Values keep their bytes, even if these are
  /// not UTF-8; `HTTPField.withUnsafeBytesOfValue(_:)` provides them.
  ///
  /// - Throws: ``UnrepresentableMessage`` if there are 65,535 fields or more.
  public init(_ fields: HeaderFields) throws(UnrepresentableMessage) {
    self.init()
    try append(fields) { _ in true }
  }

  /// Appends those of `fields` whose name, in lower case, `isIncluded` accepts.
  mutating func append(
    _ fields: HeaderFields, where isIncluded: (_ canonicalName: String) -> Bool
  ) throws(UnrepresentableMessage) {
    guard fields.count <= Self.mostFields - count else { throw UnrepresentableMessage(.tooManyFields(fields.count)) }
    reserveCapacity(count + fields.count)
    try fields.forEachField { name, value throws(UnrepresentableMessage) in
      let text = name.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
      guard let name = HTTPField.Name(text) else { throw UnrepresentableMessage(.fieldName(text)) }
      guard isIncluded(name.canonicalName) else { return }
      value.withUnsafeBufferPointer { append(HTTPField(name: name, value: $0)) }
    }
  }
}

extension HeaderFields {
  /// Creates fields in the same order, with duplicates and names as written. Values keep their bytes.
  ///
  /// Indexing strategies for HPACK (`HTTPField.indexingStrategy`) are dropped.
  ///
  /// - Throws: `InvalidHeaderField` for a name of more than 65,535 bytes, or for a value with a control character,
  ///   which `HTTPField(name:lenientValue:)` accepts. Leading and trailing blanks of such a value are lost.
  public init(_ fields: HTTPFields) throws(InvalidHeaderField) {
    self.init()
    for field in fields { try append(field) }
  }

  mutating func append(_ field: HTTPField) throws(InvalidHeaderField) {
    try field.withUnsafeBytesOfValue { value throws(InvalidHeaderField) in
      try append(field.name.rawName, bytes: value.span)
    }
  }
}
