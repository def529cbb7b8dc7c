/// The streams of a connection, in reusable slots. Memory grows to the largest number of concurrent streams, until
/// ``releaseMemory()``. A table has no memory before the first stream.
///
/// A slot is occupied while its stream is open or its handler runs, whichever is longer. Stream numbers are mapped to
/// slots by a hash table with open addressing and linear probing (Knuth, volume 3, section 6.4), at most half full.
struct StreamTable: Sendable {
  private struct Cell: Sendable {
    /// 0 if the cell is empty.
    var stream: StreamID = 0
    var slot: Int32 = 0
  }

  private static let fewestCells = 16
  /// The most slots with which a table passes to another connection.
  private static let mostPassedSlots = 16

  private var streams: [HTTP2Stream] = []
  private var freeSlots: [Int] = []
  private var cells: [Cell] = []

  /// The number of streams.
  private(set) var count = 0

  /// Whether there is memory for streams.
  var hasMemory: Bool { !streams.isEmpty }

  /// The range of all slots, including free ones.
  var slots: Range<Int> { 0..<streams.count }

  subscript(slot: Int) -> HTTP2Stream {
    // Through a span, because the array's own subscript copies the whole stream to access one property.
    @inline(__always) _read { yield streams.span[slot] }
    @inline(__always) _modify { yield &streams[slot] }
  }

  /// Returns the slot of stream `id`, if it exists.
  @inline(__always)
  func slot(of id: StreamID) -> Int? {
    if cells.isEmpty { return nil }
    var position = home(of: id)
    while cells[position].stream != 0 {
      if cells[position].stream == id { return Int(cells[position].slot) }
      position = next(position)
    }
    return nil
  }

  /// Returns whether `slot` holds stream `id`.
  func holds(_ id: StreamID, at slot: Int) -> Bool { slot < streams.count && streams[slot].id == id }

  /// Assigns a slot to stream `id`, which must not exist yet.
  mutating func insert(_ id: StreamID) -> Int {
    if 2 * (count + 1) > cells.count { grow() }
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
    } else {
      slot = streams.count
      streams.append(HTTP2Stream())
    }
    count += 1
    place(id, at: Int32(truncatingIfNeeded: slot))
    return slot
  }

  /// Frees `slot` for another stream.
  mutating func remove(at slot: Int) {
    erase(streams[slot].id)
    streams[slot].clear()
    freeSlots.append(slot)
    count -= 1
  }

  /// Frees the memory of the slots, all of which must be free.
  mutating func releaseMemory() {
    precondition(count == 0)
    self = StreamTable()
  }

  /// Prepares the slots, all of which must be free, for another connection.
  ///
  /// - Returns: Whether they are few and small enough for that.
  mutating func leaveConnection() -> Bool {
    precondition(count == 0)
    guard streams.count <= Self.mostPassedSlots else { return false }
    for slot in streams.indices {
      guard streams[slot].head.leaveConnection() else { return false }
    }
    return true
  }

  @inline(__always)
  private func home(of id: StreamID) -> Int {
    // A client's stream numbers are two apart, so neighbours are neighbours here.
    Int(id >> 1) & (cells.count - 1)
  }

  @inline(__always)
  private func next(_ position: Int) -> Int { (position + 1) & (cells.count - 1) }

  private mutating func place(_ id: StreamID, at slot: Int32) {
    var position = home(of: id)
    while cells[position].stream != 0 { position = next(position) }
    cells[position] = Cell(stream: id, slot: slot)
  }

  /// Removes `id`, and moves up the cells that could not be found after the gap.
  private mutating func erase(_ id: StreamID) {
    var gap = home(of: id)
    while cells[gap].stream != id { gap = next(gap) }
    var position = next(gap)
    while cells[position].stream != 0 {
      let distance = (position - home(of: cells[position].stream)) & (cells.count - 1)
      if distance >= (position - gap) & (cells.count - 1) {
        cells[gap] = cells[position]
        gap = position
      }
      position = next(position)
    }
    cells[gap] = Cell()
  }

  private mutating func grow() {
    let old = cells
    cells = [Cell](repeating: Cell(), count: max(Self.fewestCells, old.count * 2))
    for cell in old where cell.stream != 0 { place(cell.stream, at: cell.slot) }
  }
}

/// The endings of the streams that closed last. Frames for them may still be in flight.
///
/// Only the last few hundred are kept, in at most a kilobyte that is overwritten cyclically. A frame for a stream that
/// closed earlier is too late to be legitimate.
struct ClosedStreams: Sendable {
  enum End: UInt32, Sendable {
    /// Both sides have sent everything.
    case finished = 0
    case resetByPeer = 1
    case resetByUs = 2
  }

  private static let mostEntries = 256
  /// The endings by stream number without its lowest bit, modulo their count, which is a power of two.
  private var ends: [UInt32] = []
  /// The last stream that was refused before the client knew the limit of streams; 0 if there is none.
  private var lastEarlyRefusal: StreamID = 0

  mutating func insert(_ stream: StreamID, _ end: End) {
    let number = stream >> 1
    if number >= ends.count, ends.count < Self.mostEntries { grow(toHold: Int(number)) }
    // A client's numbers are odd, so two bits are free for the ending.
    ends[Int(number) & (ends.count - 1)] = number << 2 | end.rawValue + 1
  }

  /// Records a stream that was refused before the client knew the limit of streams. There may be more of these than
  /// entries, so unknown streams up to this one are assumed to have been refused.
  mutating func insertEarlyRefusal(_ stream: StreamID) {
    insert(stream, .resetByUs)
    lastEarlyRefusal = stream
  }

  /// Adds entries. Existing ones keep their places, because numbers wrap around only when the table has its full size.
  private mutating func grow(toHold number: Int) {
    var count = max(8, ends.count)
    while count <= number, count < Self.mostEntries { count *= 2 }
    ends.append(contentsOf: repeatElement(0, count: count - ends.count))
  }

  subscript(stream: StreamID) -> End? {
    if ends.isEmpty { return nil }
    let entry = ends[Int(stream >> 1) & (ends.count - 1)]
    if entry >> 2 == stream >> 1, entry & 3 != 0 { return End(rawValue: entry & 3 - 1) }
    return stream <= lastEarlyRefusal ? .resetByUs : nil
  }
}
