/// The table that both ends have from the beginning (RFC 7541 section 2.3.1 and appendix A), and what our encoder does
/// about lines with its names.
///
/// Whoever looks into it keeps it at hand: to reach a lazy global costs as much as what it is used for.
struct StaticTable: Sendable {
  static let shared = StaticTable()

  struct Field: Sendable {
    let name: StaticString
    let value: StaticString
    /// How many entries there are with that name, this one and those that follow it.
    let entries: Int
    /// What is best for a line with that name.
    let indexing: HPACKIndexing

    @inline(__always)
    init(_ name: StaticString, _ value: StaticString = "", entries: Int = 1, indexing: HPACKIndexing = .incremental) {
      self.name = name
      self.value = value
      self.entries = entries
      self.indexing = indexing
    }
  }

  /// How many entries there are; the first has index 1, and the dynamic table's indices follow on from the last.
  static let count = 61
  /// The index of `content-length`.
  static let contentLength = 28

  private static let slotBits = 7

  private let fields = Self.allFields
  /// The index of the first entry with each name, at the slot that the name's hash says or, where that is taken, at the
  /// next that is free; 0 in the others, of which there are enough.
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

  /// The entry at an index from 1 to ``count``.
  @inline(__always)
  subscript(index: Int) -> Field { fields[index - 1] }

  /// The index of the first entry with that name, or 0.
  @inline(__always)
  func index(of name: Span<UInt8>, _ hash: NameHash) -> Int {
    var slot = hash.value(bits: Self.slotBits)
    while true {
      let index = Int(slots[slot])
      if index == 0 || self[index].name.withUTF8Buffer({ $0.span.equals(name) }) { return index }
      slot = (slot + 1) & (slots.count - 1)
    }
  }

  /// The index of the entry with that value and the name whose first entry is at `nameIndex`, if there is one.
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
  /// The entries in their order.
  ///
  /// Credentials are never indexed, as section 7.1.3 says of those it names. What is about one message or one resource is
  /// sent without indexing, and would only drive out others. `Date` is indexed: it comes a thousand times before it
  /// changes.
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
