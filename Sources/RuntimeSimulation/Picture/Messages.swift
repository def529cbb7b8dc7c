/// Where what was received in a run had been sent.
struct Messages {
  /// The events, by place, that sent what an event has received.
  private var sources: [Int: [Int]] = [:]
  /// The ends of each connection, by its number.
  private var ends: [Int: (client: Int?, server: Int?)] = [:]
  /// The host of each socket for datagrams, by its number.
  private var datagramHosts: [Int: Int] = [:]

  /// What one end of a connection has sent.
  fileprivate struct Outgoing {
    /// The events that sent bytes which have not all been read, each with the number of bytes up to its end.
    var writes: [(event: Int, end: Int)] = []
    /// The first of them that counts still.
    var start = 0
    /// The event that ended it.
    var ending: Int?
  }

  private struct Key: Hashable {
    let connection: Int
    let isServer: Bool
    init(_ end: ConnectionEnd) { (connection, isServer) = (end.number, end.isServer) }
    init(peerOf end: ConnectionEnd) { (connection, isServer) = (end.number, !end.isServer) }
  }

  init(_ events: ArraySlice<Journal.Event>) {
    var outgoing: [Key: Outgoing] = [:]
    var connects: [Int: Int] = [:]
    var datagrams: [Int: Int] = [:]
    /// The events by which connections have been reset.
    var resets: [Int: Int] = [:]
    for (place, event) in zip(events.indices, events) {
      switch event.kind {
      case .connected(let end):
        note(end)
        connects[end.number] = place
      case .accepted(let end):
        note(end)
        sources[place] = connects[end.number].map { [$0] }
      case .wrote(let end, let count, let position):
        note(end)
        outgoing[Key(end), default: Outgoing()].writes.append((place, position + count))
      case .finished(let end), .closed(let end):
        note(end)
        if outgoing[Key(end)]?.ending == nil { outgoing[Key(end), default: Outgoing()].ending = place }
      case .read(let end, let count, let position):
        note(end)
        sources[place] = outgoing[Key(peerOf: end)]?.take(position..<position + count)
      case .failed(let end):
        sources[place] = (resets[end.number] ?? outgoing[Key(peerOf: end)]?.ending).map { [$0] }
      case .fault(let fault):
        if fault.kind == .reset, fault.connection > 0 { resets[fault.connection] = place }
      case .bound(let end, _): datagramHosts[end.number] = end.host.number
      case .sent(_, _, _, let number): datagrams[number] = place
      case .received(_, _, _, let number), .dropped(_, _, let number): sources[place] = datagrams[number].map { [$0] }
      default: break
      }
    }
  }

  private mutating func note(_ end: ConnectionEnd) {
    if end.isServer { ends[end.number, default: (nil, nil)].server = end.host }
    if !end.isServer { ends[end.number, default: (nil, nil)].client = end.host }
  }

  /// The events that sent what the event at `place` received, or because of which it failed; the earliest first.
  func sources(of place: Int) -> [Int] { sources[place] ?? [] }

  /// The numbers of the hosts that a fault befell.
  func hosts(of fault: Fault) -> [Int] {
    let (owner, ends) = (fault.place.owner, ends[fault.connection])
    switch fault.kind {
    case .partition: return [owner >> 16, owner & 0xffff]
    case .crash, .diskError, .fullDisk, .lostWrite, .tornWrite, .lostName: return [owner]
    case _ where owner < 0: return datagramHosts[-owner].map { [$0] } ?? []
    case .reset: return [owner >> 32] + (ends?.server.map { [$0] } ?? [])
    case .refusal: return [owner >> 32]
    case .acceptFailure: return ends?.server.map { [$0] } ?? []
    default: return fault.place.isServerSide ? ends?.server.map { [$0] } ?? [] : [owner >> 32]
    }
  }
}

extension Messages.Outgoing {
  /// The events that sent the bytes in `range`, or the one that ended it if there are none. No byte is asked for twice.
  fileprivate mutating func take(_ range: Range<Int>) -> [Int]? {
    if range.isEmpty { return ending.map { [$0] } }
    var events: [Int] = []
    // What a forgotten event has read.
    while start < writes.count, writes[start].end <= range.lowerBound { start += 1 }
    while start < writes.count {
      events.append(writes[start].event)
      // What is left of it comes with a later read.
      if writes[start].end > range.upperBound { break }
      let isEnd = writes[start].end == range.upperBound
      start += 1
      if isEnd { break }
    }
    return events
  }
}
