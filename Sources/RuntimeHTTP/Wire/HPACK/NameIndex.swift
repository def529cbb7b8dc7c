/// Finds entries of an encoder's dynamic table by their name.
///
/// Entries whose names hash alike are a chain, newest first, linked through the table. Nothing is done when an entry is
/// evicted: a chain ends at the first link to an entry that is no longer there.
struct NameIndex {
  struct Match {
    /// The number of an entry with that name and value.
    var line: Int?
    /// The number of the newest entry with that name.
    var name: Int?
    /// How many entries with that name and other values have been met.
    var values = 0
  }

  /// A name with this many values in the table is one whose value keeps changing, and more of them are of no use. They
  /// age as others do, and so the name gets another chance.
  static let mostValues = 8
  private static let bucketBits = 5

  /// The number of the newest entry of each chain, or 0; empty until there are entries.
  private var newest: [Int] = []

  /// Looks for the entry with that name and value, or else one with that name.
  @inline(__always)
  func find(_ name: Span<UInt8>, _ value: Span<UInt8>, _ hash: NameHash, in table: borrowing DynamicTable) -> Match {
    var match = Match()
    guard table.count > 0 else { return match }
    let bytes = table.bytes
    var number = newest[hash.value(bits: Self.bucketBits)]
    while number >= table.oldestNumber, match.values < Self.mostValues {
      let entry = table[number]
      if bytes.span.extracting(table.nameRange(entry)).equals(name) {
        if match.name == nil { match.name = number }
        if bytes.span.extracting(table.valueRange(entry)).equals(value) {
          match.line = number
          return match
        }
        match.values += 1
      }
      number -= Int(entry.link)
    }
    return match
  }

  /// Takes in the entry that is added to the table next, and gives the link it is to have.
  mutating func add(_ hash: NameHash, number: Int) -> UInt32 {
    if newest.isEmpty { newest = Array(repeating: 0, count: 1 << Self.bucketBits) }
    let bucket = hash.value(bits: Self.bucketBits)
    let older = newest[bucket]
    newest[bucket] = number
    // However far it is cut short, an entry this old has gone long since.
    return UInt32(clamping: number - older)
  }
}
