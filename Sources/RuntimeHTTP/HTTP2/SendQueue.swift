/// The streams that have content to send and are allowed to: which of them is next (RFC 9218 section 10).
///
/// The most urgent go first. Among those of one urgency, responses that are of use only whole go one after another, in
/// the order of their streams, and responses that are of use in parts take turns; where there are both, the first of the
/// one kind has its turn with those of the other. So no stream of the same urgency is passed over for ever.
///
/// All of it is links between the slots of the stream table: nothing is moved, and nothing is allocated but when the
/// table grows.
struct SendQueue: Sendable {
  private struct Link: Sendable {
    var previous = -1
    var next = -1
    /// Which of the lists it is in; -1 for none.
    var list = -1
    var stream: StreamID = 0
  }

  private struct List: Sendable {
    var first = -1
    var last = -1
  }

  private static var urgencies: Int { 8 }

  private var links: [Link] = []
  /// Two of each urgency: what goes whole, and what takes turns. None until there has been a stream.
  private var lists: [List] = []
  /// Which lists are not empty, a bit each.
  private var occupied: UInt16 = 0
  /// Of which urgencies it is the turn of those that take turns, a bit each.
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

  /// Puts `slot`, which is not there, into the queue.
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

  /// Takes `slot` out, if it is there.
  mutating func remove(_ slot: Int) {
    guard contains(slot) else { return }
    let link = links[slot]
    if link.previous >= 0 { links[link.previous].next = link.next } else { lists[link.list].first = link.next }
    if link.next >= 0 { links[link.next].previous = link.previous } else { lists[link.list].last = link.previous }
    if lists[link.list].first < 0 { occupied &= ~(1 << UInt16(link.list)) }
    links[slot].list = -1
  }

  /// Ends the turn of `slot`, which is ``first``.
  mutating func rotate(_ slot: Int) {
    let list = links[slot].list
    turns ^= 1 << UInt8(list / 2)
    guard list & 1 == 1, lists[list].last != slot else { return }
    remove(slot)
    link(slot, after: lists[list].last, in: list)
  }

  /// Lets go of the links, none of which leads anywhere.
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
