/// The senders of what was received in a run.
struct Messages {
  /// The indices of the events that sent what an event received, by the index of that event.
  private var sources: [Int: [Int]] = [:]
  /// The ends of each connection, by its number.
  private var ends: [Int: (client: Int?, server: Int?)] = [:]
  /// The host of each datagram socket, by its number.
  private var datagramHosts: [Int: Int] = [:]

  /// The data that one end of a connection has sent.
  fileprivate struct Outgoing {
    /// The events that sent bytes, each with the position after its last byte.
    var writes: [(event: Int, end: Int)] = []
    /// The index of the first of them with unread bytes.
    var start = 0
    /// The event that ended the data.
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
    /// The events that reset connections.
    var resets: [Int: Int] = [:]
    for (place, event) in zip(events.indices, events) {
      switch event.kind {
      case .connected(let end):
        recordHost(of: end)
        connects[end.number] = place
      case .accepted(let end):
        recordHost(of: end)
        sources[place] = connects[end.number].map { [$0] }
      case .wrote(let end, let count, let position):
        recordHost(of: end)
        outgoing[Key(end), default: Outgoing()].writes.append((place, position + count))
      case .finished(let end), .closed(let end):
        recordHost(of: end)
        if outgoing[Key(end)]?.ending == nil { outgoing[Key(end), default: Outgoing()].ending = place }
      case .read(let end, let count, let position):
        recordHost(of: end)
        sources[place] = outgoing[Key(peerOf: end)]?.popSources(of: position..<position + count)
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

  private mutating func recordHost(of end: ConnectionEnd) {
    if end.isServer { ends[end.number, default: (nil, nil)].server = end.host }
    if !end.isServer { ends[end.number, default: (nil, nil)].client = end.host }
  }

  /// Returns the events that sent what the event at `place` received, or that made it fail, the earliest first.
  func sources(of place: Int) -> [Int] { sources[place] ?? [] }

  /// Returns the numbers of the hosts that a fault affects.
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
  /// Returns the events that sent the bytes in `range`, or the event that ended the data if the range is empty. No byte
  /// is asked for twice.
  fileprivate mutating func popSources(of range: Range<Int>) -> [Int]? {
    if range.isEmpty { return ending.map { [$0] } }
    var events: [Int] = []
    // Skips bytes that a forgotten event has read.
    while start < writes.count, writes[start].end <= range.lowerBound { start += 1 }
    while start < writes.count {
      events.append(writes[start].event)
      // A later read takes the rest.
      if writes[start].end > range.upperBound { break }
      let isEnd = writes[start].end == range.upperBound
      start += 1
      if isEnd { break }
    }
    return events
  }
}
