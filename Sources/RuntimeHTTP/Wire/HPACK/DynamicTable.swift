/// The lines that were recently sent in one direction of a connection (RFC 7541 section 2.3.2), newest first.
///
/// The bytes of all entries are in one buffer, oldest first, and an entry is a position in it. Adding an entry copies
/// its bytes; evicting one is arithmetic. An empty table has no memory, and the memory of others is within a small
/// factor of the size that section 4.1 defines.
struct DynamicTable: ~Copyable {
  struct Entry: Sendable {
    /// The number of bytes that had been added to the table before this entry's. It wraps around.
    var start: UInt32
    var nameLength: UInt32
    var valueLength: UInt32
    /// The difference between this entry's number and that of the next older entry in the same chain of ``NameIndex``.
    var link: UInt32
  }

  /// The size of both ends' tables until settings change it (RFC 9113 section 6.5.2).
  static let initialMaximumSize = 4096
  /// The number of bytes that an entry counts for in addition to its own (section 4.1).
  static let overhead = 32
  /// The number of slots that are allocated first. It then doubles each time.
  private static let fewestSlots = 8

  /// The bytes of the entries.
  private var buffer = ByteBuffer(capacity: 0)
  /// The number of bytes that have been evicted. It wraps around.
  private var evicted: UInt32 = 0
  /// The entries by their number, modulo the number of slots, which is a power of two.
  private var slots: [Entry] = []

  /// The number of entries.
  private(set) var count = 0
  /// The number of the next entry. The newest entry has one less; the very first usually had 1.
  private(set) var nextNumber: Int
  /// The size as section 4.1 defines it.
  private(set) var size = 0
  private(set) var maximumSize: Int

  /// - Parameter firstNumber: The number of the first entry; at least 1.
  init(maximumSize: Int, firstNumber: Int = 1) {
    self.maximumSize = maximumSize
    nextNumber = firstNumber
  }

  /// The bytes that the ranges of entries refer to, valid until the table changes.
  @inline(__always)
  var bytes: UnsafeBufferPointer<UInt8> { buffer.contents }

  @inline(__always)
  var oldestNumber: Int { nextNumber - count }

  /// The entry with the given number, which must not be older than the oldest.
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

  /// Changes the maximum size, and evicts the entries that no longer fit (section 4.3).
  mutating func resize(to maximumSize: Int) {
    self.maximumSize = maximumSize
    evict(toFit: 0)
  }

  /// Adds an entry, evicting others if necessary (section 4.4). An entry that is larger than the table empties it.
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
