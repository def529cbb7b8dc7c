/// The streams of a connection, each in a slot that is used again: memory grows to the most that were there at once,
/// until ``releaseMemory()``.
///
/// A slot is taken while its stream is open or its handler runs, whichever is longer. Numbers lead to slots through a
/// table of open addressing with linear probing (Knuth, volume 3, section 6.4), of which no more than half is full.
struct StreamTable: Sendable {
  private struct Cell: Sendable {
    /// 0 where nothing is.
    var stream: StreamID = 0
    var slot: Int32 = 0
  }

  private static let fewestCells = 16

  private var streams: [HTTP2Stream] = []
  private var freeSlots: [Int] = []
  private var cells = [Cell](repeating: Cell(), count: fewestCells)

  /// How many streams there are.
  private(set) var count = 0

  /// Slots there have been; not all of them need be taken.
  var slots: Range<Int> { 0..<streams.count }

  subscript(slot: Int) -> HTTP2Stream {
    // By way of a span, since the array's own subscript copies the whole of a stream for one of its properties.
    @inline(__always) _read { yield streams.span[slot] }
    @inline(__always) _modify { yield &streams[slot] }
  }

  /// Where stream `id` is, if it is there.
  @inline(__always)
  func slot(of id: StreamID) -> Int? {
    var position = home(of: id)
    while cells[position].stream != 0 {
      if cells[position].stream == id { return Int(cells[position].slot) }
      position = next(position)
    }
    return nil
  }

  /// Whether `slot` is that of stream `id`.
  func holds(_ id: StreamID, at slot: Int) -> Bool { slot < streams.count && streams[slot].id == id }

  /// Makes a slot for stream `id`, which is not there.
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

  /// Lets go of the slots, none of which is taken.
  mutating func releaseMemory() {
    precondition(count == 0)
    streams = []
    freeSlots = []
  }

  @inline(__always)
  private func home(of id: StreamID) -> Int {
    // Numbers of the same end are two apart: their neighbours are neighbours here.
    Int(id >> 1) & (cells.count - 1)
  }

  @inline(__always)
  private func next(_ position: Int) -> Int { (position + 1) & (cells.count - 1) }

  private mutating func place(_ id: StreamID, at slot: Int32) {
    var position = home(of: id)
    while cells[position].stream != 0 { position = next(position) }
    cells[position] = Cell(stream: id, slot: slot)
  }

  /// Takes `id` out, and moves up what would not be found behind the gap.
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
    cells = [Cell](repeating: Cell(), count: old.count * 2)
    for cell in old where cell.stream != 0 { place(cell.stream, at: cell.slot) }
  }
}

/// How the streams that closed last came to their end: frames of theirs may still be on their way.
///
/// Only of the last few hundred is it known, in a kilobyte at most that is written over and over; who sends a frame for
/// one that closed before that has had all the time there is.
struct ClosedStreams: Sendable {
  enum End: UInt32, Sendable {
    /// Both sides have said all they had to.
    case finished = 0
    case resetByPeer = 1
    case resetByUs = 2
  }

  private static let mostEntries = 256
  /// By the stream's number, without its last bit, modulo their count, which is a power of two.
  private var ends: [UInt32] = []
  /// The last stream that was refused before the client knew how many it may open; 0 for none.
  private var lastEarlyRefusal: StreamID = 0

  mutating func insert(_ stream: StreamID, _ end: End) {
    let number = stream >> 1
    if number >= ends.count, ends.count < Self.mostEntries { grow(toHold: Int(number)) }
    // A client's number is odd, so that there is room for two bits of something else.
    ends[Int(number) & (ends.count - 1)] = number << 2 | end.rawValue + 1
  }

  /// Notes a stream that was refused before the client knew how many it may open. It may have opened more than there are
  /// entries, so those up to this one that are not known are taken for refused ones.
  mutating func insertEarlyRefusal(_ stream: StreamID) {
    insert(stream, .resetByUs)
    lastEarlyRefusal = stream
  }

  /// Makes more entries. Those that there are stay where they are, since until there are the most none has come round.
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
