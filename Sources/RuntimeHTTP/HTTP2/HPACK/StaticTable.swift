/// The table that both ends have from the beginning (RFC 7541 section 2.3.1 and appendix A).
enum StaticTable {
  struct Field: Sendable {
    let name: StaticString
    let value: StaticString

    @inline(__always)
    init(_ name: StaticString, _ value: StaticString = "") {
      self.name = name
      self.value = value
    }
  }

  /// How many entries there are; the first has index 1, and the dynamic table's indices follow on from the last.
  static let count = 61

  static let fields: [Field] = [
    Field(":authority"),
    Field(":method", "GET"),
    Field(":method", "POST"),
    Field(":path", "/"),
    Field(":path", "/index.html"),
    Field(":scheme", "http"),
    Field(":scheme", "https"),
    Field(":status", "200"),
    Field(":status", "204"),
    Field(":status", "206"),
    Field(":status", "304"),
    Field(":status", "400"),
    Field(":status", "404"),
    Field(":status", "500"),
    Field("accept-charset"),
    Field("accept-encoding", "gzip, deflate"),
    Field("accept-language"),
    Field("accept-ranges"),
    Field("accept"),
    Field("access-control-allow-origin"),
    Field("age"),
    Field("allow"),
    Field("authorization"),
    Field("cache-control"),
    Field("content-disposition"),
    Field("content-encoding"),
    Field("content-language"),
    Field("content-length"),
    Field("content-location"),
    Field("content-range"),
    Field("content-type"),
    Field("cookie"),
    Field("date"),
    Field("etag"),
    Field("expect"),
    Field("expires"),
    Field("from"),
    Field("host"),
    Field("if-match"),
    Field("if-modified-since"),
    Field("if-none-match"),
    Field("if-range"),
    Field("if-unmodified-since"),
    Field("last-modified"),
    Field("link"),
    Field("location"),
    Field("max-forwards"),
    Field("proxy-authenticate"),
    Field("proxy-authorization"),
    Field("range"),
    Field("referer"),
    Field("refresh"),
    Field("retry-after"),
    Field("server"),
    Field("set-cookie"),
    Field("strict-transport-security"),
    Field("transfer-encoding"),
    Field("user-agent"),
    Field("vary"),
    Field("via"),
    Field("www-authenticate"),
  ]

  private static let slotBits = 7

  /// The index of the first entry with each name: at the slot that the name's hash says or, where that is taken, at the
  /// next that is free. The others are 0.
  private static let slots = {
    var slots = InlineArray<128, UInt8>(repeating: 0)
    for index in 1...count where !continued.contains(index) {
      var slot = fields[index - 1].name.withUTF8Buffer { NameHash($0.span).value(bits: slotBits) }
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = UInt8(index)
    }
    return slots
  }()

  /// The entries that have the same name as the one before.
  private static let continued = {
    var continued = IndexSet()
    for index in 2...count {
      let isSame = fields[index - 1].name.withUTF8Buffer { name in
        fields[index - 2].name.withUTF8Buffer { name.span.equals($0.span) }
      }
      if isSame { continued.insert(index) }
    }
    return continued
  }()

  /// The index of the first entry with that name, or 0.
  @inline(__always)
  static func index(of name: Span<UInt8>, _ hash: NameHash) -> Int {
    var slot = hash.value(bits: slotBits)
    while true {
      let index = Int(slots[slot])
      if index == 0 || fields[index - 1].name.withUTF8Buffer({ $0.span.equals(name) }) { return index }
      slot = (slot + 1) & (slots.count - 1)
    }
  }

  /// The index of the entry with that value and the name whose first entry is at `nameIndex`, if there is one.
  @inline(__always)
  static func index(ofValue value: Span<UInt8>, nameIndex: Int) -> Int? {
    guard nameIndex > 0 else { return nil }
    var index = nameIndex
    repeat {
      if fields[index - 1].value.withUTF8Buffer({ $0.span.equals(value) }) { return index }
      index += 1
    } while continued.contains(index)
    return nil
  }

  /// A set of indices of this table, 0 among them.
  struct IndexSet: Sendable {
    private var bits: UInt64 = 0

    init() {}

    /// The indices of the first entries with these names.
    init(_ names: [StaticString]) {
      for name in names { name.withUTF8Buffer { insert(StaticTable.index(of: $0.span, NameHash($0.span))) } }
    }

    mutating func insert(_ index: Int) { bits |= 1 << UInt64(index) }

    @inline(__always)
    func contains(_ index: Int) -> Bool { bits &>> UInt64(index) & 1 == 1 }
  }
}
