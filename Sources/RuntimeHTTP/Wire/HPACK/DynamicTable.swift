/// The lines that have lately been sent in one direction of a connection (RFC 7541 section 2.3.2), newest first.
///
/// The bytes of the entries lie one after another in one buffer, the oldest in front, and an entry is where: adding one
/// copies its bytes, and evicting one is arithmetic. Memory is there only once entries are, and its size is within a
/// small factor of what section 4.1 counts.
struct DynamicTable: ~Copyable {
  struct Entry: Sendable {
    /// How many bytes had been added to the table before this entry's; it wraps round.
    var start: UInt32
    var nameLength: UInt32
    var valueLength: UInt32
    /// How much lower the number of the next older entry is that ``NameIndex`` has put into the same chain.
    var link: UInt32
  }

  /// How large the tables of both ends may be before either has said anything about it (RFC 9113 section 6.5.2).
  static let initialMaximumSize = 4096
  /// What an entry counts for beyond its bytes (section 4.1).
  static let overhead = 32
  /// Room for entries is made first for this many, then twice as many each time.
  private static let fewestSlots = 8

  /// The bytes of the entries that there are.
  private var buffer = ByteBuffer(capacity: 0)
  /// How many bytes have been evicted; it wraps round.
  private var evicted: UInt32 = 0
  /// Entries by their number, modulo the count of slots, which is a power of two.
  private var slots: [Entry] = []

  /// How many entries there are.
  private(set) var count = 0
  /// The number of the entry that comes next: the newest has one less, the first of all had 1.
  private(set) var nextNumber = 1
  /// The sum that section 4.1 defines.
  private(set) var size = 0
  private(set) var maximumSize: Int

  init(maximumSize: Int) { self.maximumSize = maximumSize }

  /// The bytes that the entries' ranges are in, until the table changes.
  @inline(__always)
  var bytes: UnsafeBufferPointer<UInt8> { buffer.taken }

  @inline(__always)
  var oldestNumber: Int { nextNumber - count }

  /// The entry of that number, which is no older than the oldest.
  @inline(__always)
  subscript(number: Int) -> Entry { slots[number & (slots.count - 1)] }

  @inline(__always)
  func nameRange(_ entry: Entry) -> Range<Int> {
    let start = Int(entry.start &- evicted)
    return start..<start + Int(entry.nameLength)
  }

  @inline(__always)
  func valueRange(_ entry: Entry) -> Range<Int> {
    let start = Int(entry.start &- evicted) + Int(entry.nameLength)
    return start..<start + Int(entry.valueLength)
  }

  /// Changes the maximum size, and evicts what no longer fits (section 4.3).
  mutating func resize(to maximumSize: Int) {
    self.maximumSize = maximumSize
    evict(toFit: 0)
  }

  /// Adds an entry, for which others may have to go (section 4.4). One that is larger than the table empties it.
  mutating func add(_ name: Span<UInt8>, _ value: Span<UInt8>, link: UInt32 = 0) {
    let needed = name.count + value.count + Self.overhead
    evict(toFit: needed)
    guard needed <= maximumSize else { return }
    if count == slots.count { addSlots() }
    slots[nextNumber & (slots.count - 1)] = Entry(
      start: evicted &+ UInt32(truncatingIfNeeded: buffer.count), nameLength: UInt32(truncatingIfNeeded: name.count),
      valueLength: UInt32(truncatingIfNeeded: value.count), link: link)
    buffer.append(name)
    buffer.append(value)
    nextNumber += 1
    count += 1
    size += needed
  }

  private mutating func evict(toFit needed: Int) {
    while count > 0, size + needed > maximumSize {
      let oldest = self[oldestNumber]
      let length = Int(oldest.nameLength) + Int(oldest.valueLength)
      buffer.consume(length)
      evicted &+= UInt32(truncatingIfNeeded: length)
      count -= 1
      size -= length + Self.overhead
    }
  }

  private mutating func addSlots() {
    let empty = Entry(start: 0, nameLength: 0, valueLength: 0, link: 0)
    var larger = [Entry](repeating: empty, count: max(Self.fewestSlots, slots.count * 2))
    for number in oldestNumber..<nextNumber { larger[number & (larger.count - 1)] = self[number] }
    slots = larger
  }
}
