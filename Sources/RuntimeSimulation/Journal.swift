import Runtime

/// The events of a run, in order.
final class Journal: @unchecked Sendable {  // Only the simulation's thread touches it, until the run is over.
  struct Event {
    let time: Int64
    let task: Int
    let kind: Kind
  }

  enum Kind {
    case ran
    case slept(until: Int64, on: SimulatedHost)
    case listened(SocketAddress, on: SimulatedHost)
    case connected(ConnectionEnd)
    case accepted(ConnectionEnd)
    /// The end, the number of bytes, and the number of bytes that this end had written before.
    case wrote(ConnectionEnd, Int, after: Int)
    /// The end, the number of bytes, and the number of bytes that this end had read before.
    case read(ConnectionEnd, Int, after: Int)
    case finished(ConnectionEnd)
    case closed(ConnectionEnd)
    case failed(ConnectionEnd)
    case bound(DatagramEnd, SocketAddress)
    /// The last value is the number of the datagram among all of the run.
    case sent(DatagramEnd, Int, to: SocketAddress, Int)
    case received(DatagramEnd, Int, from: SocketAddress, Int)
    case dropped(DatagramEnd, Int, Int)
    case refused(DatagramEnd, SocketAddress)
    case unbound(DatagramEnd)
    case blockingWork(on: SimulatedHost)
    case ended(SimulatedHost)
    case linkChanged(LinkChange)
    case crashed(SimulatedHost, CrashedConnections)
    case restarted(SimulatedHost)
    case disk(DiskEvent)
    case fault(Fault)
    /// A line from the program, and the host that wrote it, if it is known.
    case note(String, on: SimulatedHost?)
  }

  private(set) var events: [Event] = []
  private(set) var time: Int64 = 0
  /// The number of the running task, counted from 1 in the order in which tasks first ran; 0 if none runs.
  private(set) var task = 0
  private var tasks: [UInt64: Int] = [:]
  /// The name of each task, from the first on; `nil` if it has none or it is not recorded yet.
  private var names: [String?] = []
  private var hasIdentity: [Bool] = []
  /// The number of the host on which each task was started, from the first on; 0 if it is not known.
  private var hosts: [Int] = []

  /// The most events to keep: a run without end must not take all memory.
  private static let limit = 1_000_000
  /// The number of events that have been forgotten.
  private(set) var forgottenCount = 0
  /// The number of events so far, including forgotten ones.
  var count: Int { forgottenCount + events.count }

  /// The number of times that time has advanced while tasks only ran and slept.
  private(set) var ticks = 0
  /// The number of timers that had ever been inserted at the first of these times.
  private(set) var timersAtProgress = 0

  /// - Parameter id: Swift's number of the task; 0 for a job that belongs to no task.
  func beginStep(taskID id: UInt64, at time: Int64) {
    self.time = time
    task = id == 0 ? 0 : number(of: id)
    if task > 0 { record(.ran) }
  }

  func beginStep(task: Int, at time: Int64) {
    (self.task, self.time) = (task, time)
  }

  func endStep() { task = 0 }

  func record(_ kind: Kind) {
    if task > 0, case .ran = kind {} else { recordTaskIdentity() }
    if events.count == Self.limit { forgetOldEvents() }
    events.append(Event(time: time, task: task, kind: kind))
    if !kind.isRoutine { recordProgress() }
  }

  /// Records that time advances, and the number of timers inserted so far.
  func recordTick(timers: Int) {
    if ticks == 0 { timersAtProgress = timers }
    ticks += 1
  }

  func recordProgress() { ticks = 0 }

  /// Makes room: forgets the routine events of the older half, or all of that half if few of them are routine.
  private func forgetOldEvents() {
    let half = events.count / 2
    let kept = events[..<half].filter { !$0.kind.isRoutine }
    let rest = kept.count > half / 2 ? [] : kept
    forgottenCount += half - rest.count
    events.replaceSubrange(..<half, with: rest)
  }

  /// Returns the last `count` events that are not routine, with the routine ones between them where they are few.
  func lastLines(_ count: Int) -> [String] {
    var lines: [String] = []
    var end = events.count
    while end > 0, lines.count < count {
      // Routine events, back to the last event of another kind.
      var start = end
      while start > 0, events[start - 1].kind.isRoutine { start -= 1 }
      if end - start > Self.routineShown {
        let (first, last) = (events[start], events[end - 1])
        let (from, to) = (Duration.nanoseconds(first.time).text, Duration.nanoseconds(last.time).text)
        lines.append("\(from) to \(to): \(end - start) times a task ran or slept, and nothing else happened")
      } else {
        for event in events[start..<end].reversed() { lines.append(text(of: event)) }
      }
      end = start
      if end > 0, lines.count < count {
        end -= 1
        lines.append(text(of: events[end]))
      }
    }
    return lines.prefix(count).reversed()
  }

  /// The most consecutive routine events that are shown one by one.
  private static let routineShown = 12

  private func number(of id: UInt64) -> Int {
    if let number = tasks[id] { return number }
    tasks[id] = tasks.count + 1
    names.append(nil)
    hasIdentity.append(false)
    hosts.append(0)
    return tasks.count
  }

  /// Records the name and the host of the running task. Only that task itself can read them.
  func recordTaskIdentity(startedOn host: SimulatedHost? = nil) {
    guard task > 0, !hasIdentity[task - 1] else { return }
    hasIdentity[task - 1] = true
    names[task - 1] = Task.name
    hosts[task - 1] = (host ?? SimulatedHost.current)?.number ?? 0
  }

  /// Returns the number of the host of an event: that of the socket or clock that was used, or else that of the task; 0
  /// if neither is known.
  func host(of event: Event) -> Int { event.kind.host ?? (event.task == 0 ? 0 : hosts[event.task - 1]) }

  /// Returns the name of a task for people to read.
  func name(ofTask task: Int) -> String {
    if task == 0 { return "the simulation" }
    return names[task - 1].map { "task \(task) \"\($0)\"" } ?? "task \(task)"
  }

  func text(of event: Event) -> String {
    "\(Duration.nanoseconds(event.time).text): \(name(ofTask: event.task)) \(event.kind)"
  }
}

// When an expectation fails, a test library reflects the values that it compared, such as a report. Events refer to
// hosts, and those to a simulation that has ended.
extension Journal: CustomReflectable {
  var customMirror: Mirror { Mirror(self, children: []) }
}

extension Journal.Kind {
  /// The number of the host whose socket or clock was used, if one was.
  var host: Int? {
    switch self {
    case .ran, .fault, .linkChanged: nil
    case .slept(_, let host), .listened(_, let host), .blockingWork(let host), .ended(let host), .crashed(let host, _),
      .restarted(let host):
      host.number
    case .note(_, let host): host?.number
    case .disk(let event): event.host.number
    case .connected(let end), .accepted(let end), .wrote(let end, _, _), .read(let end, _, _), .finished(let end),
      .closed(let end), .failed(let end):
      end.host
    case .bound(let end, _), .sent(let end, _, _, _), .received(let end, _, _, _), .dropped(let end, _, _),
      .refused(let end, _), .unbound(let end):
      end.host.number
    }
  }

  /// Whether the event is routine: a task that only waits for time runs or sleeps.
  var isRoutine: Bool {
    switch self {
    case .ran, .slept: true
    default: false
    }
  }
}

extension Journal.Kind {
  /// The number of the connection that was used, or that has the fault, if there is one.
  var connection: Int? {
    switch self {
    case .connected(let end), .accepted(let end), .wrote(let end, _, _), .read(let end, _, _), .finished(let end),
      .closed(let end), .failed(let end):
      end.number
    case .fault(let fault) where fault.connection > 0: fault.connection
    default: nil
    }
  }

  /// The kind of the event, as one word.
  var name: String {
    switch self {
    case .ran: "ran"
    case .slept: "slept"
    case .listened: "listened"
    case .connected: "connected"
    case .accepted: "accepted"
    case .wrote: "wrote"
    case .read: "read"
    case .finished: "finished"
    case .closed: "closed"
    case .failed: "failed"
    case .bound: "bound"
    case .sent: "sent"
    case .received: "received"
    case .dropped: "dropped"
    case .refused: "refused"
    case .unbound: "unbound"
    case .blockingWork: "blockingWork"
    case .ended: "ended"
    case .linkChanged: "linkChanged"
    case .crashed: "crashed"
    case .restarted: "restarted"
    case .disk: "disk"
    case .fault: "fault"
    case .note: "note"
    }
  }
}

extension Journal.Kind: CustomStringConvertible {
  var description: String {
    switch self {
    case .ran: "runs"
    case .slept(let time, _): "sleeps until \(Duration.nanoseconds(time).text)"
    case .listened(let address, _): "listens at \(address)"
    case .connected(let end): "connects: connection \(end.number) from \(end.address) to \(end.peerAddress)"
    case .accepted(let end): "accepts connection \(end.number)"
    case .wrote(let end, let count, _): "writes \(count) bytes to \(end)"
    case .read(let end, let count, _): "reads \(count) bytes from \(end)"
    case .finished(let end): "finishes writing to \(end)"
    case .closed(let end): "closes \(end)"
    case .failed(let end): "finds \(end) reset by its peer"
    case .bound(let end, let address): "binds \(end) to \(address)"
    case .sent(let end, let count, let address, _): "sends \(count) bytes from \(end) to \(address)"
    case .received(let end, let count, let address, _): "receives \(count) bytes at \(end) from \(address)"
    case .dropped(let end, let count, _): "drops \(count) bytes, for which \(end) has no room"
    case .refused(let end, let address): "tells \(end) that nothing is bound at \(address)"
    case .unbound(let end): "closes \(end)"
    case .blockingWork: "runs blocking work"
    case .ended(let host): "shuts host \(host.number) down"
    case .linkChanged(let change): "\(change)"
    case .crashed(let host, .reset): "crashes host \(host.number) and resets its connections"
    case .crashed(let host, .silent): "crashes host \(host.number) silently"
    case .restarted(let host): "starts host \(host.number) again"
    case .disk(let event): "\(event)"
    case .fault(let fault): "meets a fault: \(fault)"
    case .note(let text, _): "notes: \(text)"
    }
  }
}
