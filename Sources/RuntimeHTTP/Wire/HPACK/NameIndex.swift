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

  /// The lowest 32 bits of the number of the newest entry of each chain. Empty until there are entries.
  ///
  /// These are unambiguous among the entries in the table. The number of an evicted entry may look like that of an entry
  /// of another chain, which is harmless, since names are compared.
  private var newest: [UInt32] = []

  /// Finds the entry with `name` and `value`, or else the newest with `name`.
  @inline(__always)
  func find(_ name: Span<UInt8>, _ value: Span<UInt8>, _ hash: NameHash, in table: borrowing DynamicTable) -> Match {
    var match = Match()
    guard table.count > 0 else { return match }
    let bytes = table.bytes
    let age = UInt32(truncatingIfNeeded: table.nextNumber) &- newest[hash.value(bits: Self.bucketBits)]
    var number = age == 0 ? 0 : table.nextNumber - Int(age)
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
    let last = UInt32(truncatingIfNeeded: number)
    let link = last &- newest[bucket]
    newest[bucket] = last
    // An entry that is so much older that the difference is 0 has long been evicted.
    return link == 0 ? .max : link
  }
}
