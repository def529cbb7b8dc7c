/// The streams that have content to send and window for it, in the order of sending (RFC 9218 section 10).
///
/// The most urgent streams send first. Among those of the same urgency, non-incremental responses are sent one after
/// another in the order of their streams, and incremental responses take turns. If there are both, the first
/// non-incremental response takes turns with the incremental ones. So no stream starves others of the same urgency.
///
/// The queue consists of links between slots of the stream table: nothing is moved, and memory is allocated only when
/// the table grows.
struct SendQueue: Sendable {
  private struct Link: Sendable {
    var previous = -1
    var next = -1
    /// The index of the list that contains the slot; -1 if none does.
    var list = -1
    var stream: StreamID = 0
  }

  private struct List: Sendable {
    var first = -1
    var last = -1
  }

  private static var urgencies: Int { 8 }

  private var links: [Link] = []
  /// Two lists for each urgency: non-incremental and incremental responses. Empty until the first insertion.
  private var lists: [List] = []
  /// The lists that are not empty, one bit each.
  private var occupied: UInt16 = 0
  /// The urgencies whose incremental responses are next, one bit each.
  private var turns: UInt8 = 0

  var isEmpty: Bool { occupied == 0 }

  func contains(_ slot: Int) -> Bool { slot < links.count && links[slot].list >= 0 }

  /// The slot that sends next.
  var first: Int? {
    guard occupied != 0 else { return nil }
    let urgency = occupied.trailingZeroBitCount / 2
    let whole = lists[2 * urgency].first
    let turn = lists[2 * urgency + 1].first
    if whole < 0 || turn < 0 { return max(whole, turn) }
    return turns >> UInt8(urgency) & 1 == 1 ? turn : whole
  }

  /// Inserts `slot`, which must not be in the queue.
  mutating func insert(_ slot: Int, stream: StreamID, _ priority: Priority) {
    while links.count <= slot { links.append(Link()) }
    if lists.isEmpty { lists = Array(repeating: List(), count: 2 * Self.urgencies) }
    let list = 2 * Int(priority.urgency) + (priority.isIncremental ? 1 : 0)
    links[slot].stream = stream
    var previous = lists[list].last
    if !priority.isIncremental {
      while previous >= 0, links[previous].stream > stream { previous = links[previous].previous }
    }
    link(slot, after: previous, in: list)
  }

  /// Removes `slot`, if it is in the queue.
  mutating func remove(_ slot: Int) {
    guard contains(slot) else { return }
    let link = links[slot]
    if link.previous >= 0 { links[link.previous].next = link.next } else { lists[link.list].first = link.next }
    if link.next >= 0 { links[link.next].previous = link.previous } else { lists[link.list].last = link.previous }
    if lists[link.list].first < 0 { occupied &= ~(1 << UInt16(link.list)) }
    links[slot].list = -1
  }

  /// Ends the turn of `slot`, which must be ``first``.
  mutating func rotate(_ slot: Int) {
    let list = links[slot].list
    turns ^= 1 << UInt8(list / 2)
    guard list & 1 == 1, lists[list].last != slot else { return }
    remove(slot)
    link(slot, after: lists[list].last, in: list)
  }

  /// Frees the links. The queue must be empty.
  mutating func releaseMemory() {
    precondition(isEmpty)
    links = []
    lists = []
  }

  private mutating func link(_ slot: Int, after previous: Int, in list: Int) {
    let next = previous >= 0 ? links[previous].next : lists[list].first
    links[slot].previous = previous
    links[slot].next = next
    links[slot].list = list
    if previous >= 0 { links[previous].next = slot } else { lists[list].first = slot }
    if next >= 0 { links[next].previous = slot } else { lists[list].last = slot }
    occupied |= 1 << UInt16(list)
  }
}
