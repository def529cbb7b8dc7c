/// The literal segments of a ``RouteTable``: a hash table with open addressing, from a node and a text to the next node.
///
/// Entries are referred to by index, and the text of all entries is in one array, so that a lookup does no reference
/// counting.
struct SegmentTable: Sendable {
  /// A table has fewer than 2^32 of anything.
  private struct Entry {
    let parent: UInt32
    let child: UInt32
    /// The position of its text in `text`.
    let start: UInt32
    let count: UInt32

    var text: Range<Int> { Int(start)..<Int(start) + Int(count) }
  }

  private var entries: [Entry] = []
  private var text: [UInt8] = []
  /// The index of an entry plus one, or 0 for a free slot. The number of slots is a power of two, and more than half are
  /// free, so that every search ends.
  private var slots: [UInt32] = [0, 0]

  /// Returns the node that follows `parent` for `segment`.
  @inline(__always)
  func child(of parent: Int, for segment: Span<UInt8>) -> Int? {
    let mask = slots.count - 1
    var slot = Self.hash(segment, under: parent) & mask
    while slots[slot] != 0 {
      let entry = entries[Int(slots[slot]) - 1]
      if entry.parent == parent, text.span.extracting(entry.text).equals(segment) {
        return Int(entry.child)
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// Makes `child` follow `parent` for `segment`, which must be new.
  mutating func add(_ child: Int, under parent: Int, for segment: Span<UInt8>) {
    entries.append(
      Entry(
        parent: UInt32(parent), child: UInt32(child), start: UInt32(text.count), count: UInt32(segment.count)))
    text.append(copying: segment)
    if entries.count * 2 < slots.count {
      occupy(entries.count - 1)
    } else {
      slots = Array(repeating: 0, count: slots.count * 2)
      for index in entries.indices { occupy(index) }
    }
  }

  /// Stores the entry at `index` in the first free slot, starting with that of its hash.
  private mutating func occupy(_ index: Int) {
    let mask = slots.count - 1
    var slot = hash(of: entries[index]) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = UInt32(index + 1)
  }

  private func hash(of entry: Entry) -> Int {
    Self.hash(text.span.extracting(entry.text), under: Int(entry.parent))
  }

  /// Hashes the parent, the length of the segment, and its first and last eight bytes. Clients cannot make searches long,
  /// because only the program adds entries.
  @inline(__always)
  private static func hash(_ segment: Span<UInt8>, under parent: Int) -> Int {
    var word: UInt64 = 0
    if !segment.isEmpty { word = segment.packed(from: 0) }
    if segment.count > 8 {
      let last = segment.packed(from: segment.count - 8)
      word ^= last << 32 | last >> 32
    }
    word ^= UInt64(truncatingIfNeeded: parent) << 40 ^ UInt64(truncatingIfNeeded: segment.count) << 56
    // Fibonacci hashing spreads differences over the upper half (Knuth, volume 3, section 6.4).
    return Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> 32)
  }
}
