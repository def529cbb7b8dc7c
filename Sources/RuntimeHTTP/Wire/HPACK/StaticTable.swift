/// The table that both ends have from the beginning (RFC 7541 section 2.3.1 and appendix A), and how our encoder
/// indexes lines with its names.
///
/// Callers keep a reference to it, because accessing a lazy global costs as much as a lookup.
struct StaticTable: Sendable {
  static let shared = StaticTable()

  struct Field: Sendable {
    let name: StaticString
    let value: StaticString
    /// The number of entries with that name, counting this one and those that follow.
    let entries: Int
    /// How the encoder treats lines with that name.
    let indexing: HPACKIndexing

    @inline(__always)
    init(_ name: StaticString, _ value: StaticString = "", entries: Int = 1, indexing: HPACKIndexing = .incremental) {
      self.name = name
      self.value = value
      self.entries = entries
      self.indexing = indexing
    }
  }

  /// The number of entries. The first has index 1, and the indices of the dynamic table follow the last.
  static let count = 61
  /// The index of `content-length`.
  static let contentLength = 28

  private static let slotBits = 7

  private let fields = Self.allFields
  /// The index of the first entry with each name. A name is in the slot of its hash or, if that is taken, in the next
  /// free one. Free slots hold 0, and there are always some.
  private var slots = [UInt8](repeating: 0, count: 1 << slotBits)

  private init() {
    var index = 1
    while index <= Self.count {
      var slot = self[index].name.withUTF8Buffer { NameHash($0.span).value(bits: Self.slotBits) }
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = UInt8(index)
      index += self[index].entries
    }
  }

  /// The entry at `index`, from 1 to ``count``.
  @inline(__always)
  subscript(index: Int) -> Field { fields[index - 1] }

  /// Returns the index of the first entry with that name, or 0.
  @inline(__always)
  func index(of name: Span<UInt8>, _ hash: NameHash) -> Int {
    var slot = hash.value(bits: Self.slotBits)
    while true {
      let index = Int(slots[slot])
      if index == 0 || self[index].name.withUTF8Buffer({ $0.span.equals(name) }) { return index }
      slot = (slot + 1) & (slots.count - 1)
    }
  }

  /// Returns the index of the entry with that value, for the name whose first entry is at `nameIndex`, if there is one.
  @inline(__always)
  func index(ofValue value: Span<UInt8>, nameIndex: Int) -> Int? {
    guard nameIndex > 0 else { return nil }
    for index in nameIndex..<nameIndex + self[nameIndex].entries
    where self[index].value.withUTF8Buffer({ $0.span.equals(value) }) {
      return index
    }
    return nil
  }
}

extension StaticTable {
  /// The entries in order.
  ///
  /// Credentials are never indexed, as section 7.1.3 recommends for the fields it names. Fields that belong to one
  /// message or one resource are sent without indexing, since they would only evict others. `Date` is indexed: it is
  /// sent a thousand times before it changes.
  private static let allFields: [Field] = [
    Field(":authority"),
    Field(":method", "GET", entries: 2),
    Field(":method", "POST"),
    Field(":path", "/", entries: 2, indexing: .without),
    Field(":path", "/index.html", indexing: .without),
    Field(":scheme", "http", entries: 2),
    Field(":scheme", "https"),
    Field(":status", "200", entries: 7),
    Field(":status", "204", entries: 6),
    Field(":status", "206", entries: 5),
    Field(":status", "304", entries: 4),
    Field(":status", "400", entries: 3),
    Field(":status", "404", entries: 2),
    Field(":status", "500"),
    Field("accept-charset"),
    Field("accept-encoding", "gzip, deflate"),
    Field("accept-language"),
    Field("accept-ranges"),
    Field("accept"),
    Field("access-control-allow-origin"),
    Field("age", indexing: .without),
    Field("allow"),
    Field("authorization", indexing: .never),
    Field("cache-control"),
    Field("content-disposition"),
    Field("content-encoding"),
    Field("content-language"),
    Field("content-length", indexing: .without),
    Field("content-location", indexing: .without),
    Field("content-range", indexing: .without),
    Field("content-type"),
    Field("cookie", indexing: .never),
    Field("date"),
    Field("etag", indexing: .without),
    Field("expect"),
    Field("expires", indexing: .without),
    Field("from"),
    Field("host"),
    Field("if-match", indexing: .without),
    Field("if-modified-since", indexing: .without),
    Field("if-none-match", indexing: .without),
    Field("if-range", indexing: .without),
    Field("if-unmodified-since", indexing: .without),
    Field("last-modified", indexing: .without),
    Field("link"),
    Field("location", indexing: .without),
    Field("max-forwards"),
    Field("proxy-authenticate"),
    Field("proxy-authorization", indexing: .never),
    Field("range", indexing: .without),
    Field("referer"),
    Field("refresh"),
    Field("retry-after", indexing: .without),
    Field("server"),
    Field("set-cookie", indexing: .never),
    Field("strict-transport-security"),
    Field("transfer-encoding"),
    Field("user-agent"),
    Field("vary"),
    Field("via"),
    Field("www-authenticate"),
  ]
}
