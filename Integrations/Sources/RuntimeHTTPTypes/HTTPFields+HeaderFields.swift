public import HTTPTypes
public import RuntimeHTTP

extension HTTPFields {
  /// The most fields that a value of this type may hold: one more ends the process.
  static var mostFields: Int { Int(UInt16.max) - 1 }

  /// The same fields in the same order, with every duplicate and with names as they were written. The value of a field
  /// keeps its bytes, also where they are no UTF-8: `HTTPField.withUnsafeBytesOfValue(_:)` has them.
  ///
  /// - Throws: ``UnrepresentableMessage`` for 65,535 fields or more.
  public init(_ fields: HeaderFields) throws(UnrepresentableMessage) {
    self.init()
    try append(fields) { _ in true }
  }

  /// Adds those of `fields` whose names `isIncluded` takes, in lower case.
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
  /// The same fields in the same order, with every duplicate, and names as they were written. Values keep their bytes.
  ///
  /// The strategies by which HPACK is to index the fields (`HTTPField.indexingStrategy`) have no place here.
  ///
  /// - Throws: `InvalidHeaderField` for a name longer than 65,535 bytes, or a value with a control character, which
  ///   `HTTPField(name:lenientValue:)` lets pass. Blanks at the ends of such a value are lost.
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
