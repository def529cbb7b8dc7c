/// Finds entries of an encoder's dynamic table by name.
///
/// Entries whose names have the same hash form a chain, newest first, linked through the table. Evicting an entry needs
/// no update: a chain ends at the first link to an evicted entry.
struct NameIndex {
  struct Match {
    /// The number of the entry with that name and value, if there is one.
    var line: Int?
    /// The number of the newest entry with that name, if there is one.
    var name: Int?
    /// The number of entries found with that name and other values.
    var values = 0
  }

  /// A name with this many values in the table keeps changing its value, so indexing more of them is useless. The
  /// entries are evicted in time like all others, after which the name is indexed again.
  static let maximumValues = 8
  private static let bucketBits = 5

  /// The number of the newest entry of each chain, or 0. Empty until there are entries.
  private var newest: [Int] = []

  /// Finds the entry with `name` and `value`, or else the newest with `name`.
  @inline(__always)
  func find(_ name: Span<UInt8>, _ value: Span<UInt8>, _ hash: NameHash, in table: borrowing DynamicTable) -> Match {
    var match = Match()
    guard table.count > 0 else { return match }
    let bytes = table.bytes
    var number = newest[hash.value(bits: Self.bucketBits)]
    while number >= table.oldestNumber, match.values < Self.maximumValues {
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

  /// Adds the next entry of the table to its chain, and returns the link to store in it.
  mutating func add(_ hash: NameHash, number: Int) -> UInt32 {
    if newest.isEmpty { newest = Array(repeating: 0, count: 1 << Self.bucketBits) }
    let bucket = hash.value(bits: Self.bucketBits)
    let older = newest[bucket]
    newest[bucket] = number
    // Clamping is harmless: an entry that old has long been evicted.
    return UInt32(clamping: number - older)
  }
}
