import CRuntime
import Glibc
import RuntimePrimitives

/// Starts several processes of this program that serve on the same sockets, and restarts those that die.
///
/// ```swift
/// if let link = SupervisorLink.take() {
///   // Serve on `InheritedSocket.takeAll()`, report through `link`, and terminate gracefully on SIGTERM.
/// } else {
///   let socket = try InheritedSocket.open(on: address)
///   exit(try Supervisor(processes: 4, sockets: [socket]).run())
/// }
/// ```
///
/// Swift cannot continue after a trap, so a bug in one handler ends its process and every request in flight there. With
/// a supervisor that is one of several processes. The sockets stay open while processes die and start, so connections
/// wait and none is refused.
///
/// The supervisor does nothing else. It has no runtime and no threads, and the program should have none when it calls
/// ``run()``. It watches the processes as follows:
///
/// - It restarts a process that dies: at once if it lived for ten seconds or more, otherwise after a delay that starts
///   at 100 ms and doubles up to ten seconds. It logs the process's signal or status, and the route that the process
///   was handling, if it could still report that.
/// - It kills a process that sends no heartbeat within the ``heartbeatLimit``.
/// - If a process ends before any process was ever ready, the supervisor ends too: a program that cannot start is not
///   restarted forever.
///
/// It handles signals as follows:
///
/// | Signal | Effect |
/// |---|---|
/// | SIGTERM, SIGINT | terminates all processes gracefully; a second one kills them |
/// | SIGHUP | is passed on, so that processes reopen their logs |
/// | SIGUSR2 | replaces the processes one after another. Each is told to terminate once its successor is ready, and the next one follows when it has ended. If a successor dies before it is ready, the remaining processes stay. If the program's file has been replaced, the new file is started |
public final class Supervisor {
  /// How long a process may send no heartbeat before it is killed.
  ///
  /// The minimum is three seconds: heartbeats are sent every second, and one may be late. The default, half a minute,
  /// is far longer than a busy machine delays a healthy runtime. Only clients of the stuck process wait that long.
  public var heartbeatLimit = Duration.seconds(30) {
    didSet { heartbeatLimit = max(heartbeatLimit, .seconds(3)) }
  }
  /// The format of the supervisor's lines on standard error.
  public var logFormat = LogFormat.text
  /// The service manager to notify when all processes are ready, and when they are to terminate.
  public var notifier: ServiceNotifier?
  /// Called once, when all processes are ready.
  public var onReady: () -> Void = {}

  private let starter: ProcessStarter
  private let sockets: [Int32]
  private var slots: [Slot]
  /// Processes that have been replaced and have not ended yet.
  private var replaced: [SupervisedProcess] = []
  /// The slots whose processes are still to be replaced.
  private var slotsToReplace = 0..<0
  private var hasBeenReady = false
  private var hasAllBeenReady = false
  /// The exit status, once the supervisor is shutting down.
  private var status: Int32?
  /// Whether all processes have been killed.
  private var hasKilledAll = false

  /// One of the processes that the supervisor keeps running, and its restarts.
  private struct Slot {
    var process: SupervisedProcess?
    /// The process that replaces `process` once it is ready.
    var successor: SupervisedProcess?
    var backoff = RestartBackoff()
    /// When to start a process; `nil` while there is one.
    var nextStart: Int64? = 0
  }

  /// Creates a supervisor of `processes` processes, at least one, that serve on `sockets`.
  ///
  /// - Throws: the error of ``InheritedSocket/takeDescriptor()``, or ``IOError`` if the program's path cannot be read.
  public init(processes: Int, sockets: [InheritedSocket]) throws(IOError) {
    var taken: [(descriptor: Int32, name: String)] = []
    for socket in sockets { taken.append((try socket.takeDescriptor(), socket.name)) }
    self.sockets = taken.map(\.descriptor)
    starter = try ProcessStarter(handingOver: taken)
    slots = Array(repeating: Slot(), count: max(1, processes))
  }

  deinit {
    for socket in sockets { close(socket) }
  }

  /// Supervises the processes until a signal has ended all of them.
  ///
  /// - Returns: the program's exit status: 0 after a graceful shutdown, the status of a process that could not start,
  ///   or 128 plus the number of the signal that killed the processes.
  /// - Throws: ``IOError`` if the supervisor cannot wait for signals.
  public func run() throws(IOError) -> Int32 {
    let signals = try SignalDescriptor(ProcessStarter.signals)
    // A log that is a pipe without a reader must not end the supervisor.
    signal(SIGPIPE, SIG_IGN)
    while true {
      startDueProcesses()
      if let status, processes.isEmpty { return status }
      wait(for: signals)
      for process in processes { process.readMessages() }
      while let signal = signals.next() { handle(signal) }
      reap()
      promoteSuccessors()
      killStuck()
    }
  }

  private var processes: [SupervisedProcess] {
    slots.flatMap { [$0.process, $0.successor].compactMap(\.self) } + replaced
  }

  /// Waits for a message, a signal, or the next deadline.
  private func wait(for signals: borrowing SignalDescriptor) {
    let limit = heartbeatLimit.nanoseconds
    let limits = processes.map { MonotonicTime.deadline(after: limit, from: $0.lastHeartbeat) }
    let left = (slots.compactMap(\.nextStart) + limits).min().map { max(0, $0 - MonotonicTime.now) / 1_000_000 + 1 }
    var events = ([signals.number] + processes.compactMap(\.channel)).map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    _ = poll(&events, nfds_t(events.count), left.map { Int32(clamping: $0) } ?? -1)  // `run` checks all sources anyway.
  }

  private func startDueProcesses() {
    guard status == nil else { return }
    let now = MonotonicTime.now
    for index in slots.indices {
      guard let time = slots[index].nextStart, time <= now else { continue }
      // If the start fails, it is retried after the longest delay.
      slots[index].nextStart = MonotonicTime.deadline(after: RestartBackoff.maximumDelay)
      slots[index].process = start(at: index)
      if slots[index].process != nil { slots[index].nextStart = nil }
      if status != nil { return }
    }
    // Replacements proceed one at a time: wait until the previous process has ended.
    guard replaced.isEmpty, !slots.contains(where: { $0.successor != nil }) else { return }
    while let index = slotsToReplace.popFirst() {
      // An empty slot gets a new process anyway.
      guard slots[index].process != nil else { continue }
      slots[index].successor = start(at: index)
      if slots[index].successor == nil { slotsToReplace = 0..<0 }
      return
    }
  }

  private func start(at index: Int) -> SupervisedProcess? {
    do throws(IOError) {
      return try starter.start()
    } catch {
      log(.error, "process \(index + 1) could not be started: \(error)")
      if !hasBeenReady { terminateAll(exitStatus: EXIT_FAILURE) }
      return nil
    }
  }

  private func handle(_ signal: Int32) {
    switch signal {
    case SIGTERM, SIGINT:
      if status == nil { terminateAll(exitStatus: 0) } else { killAll(exitStatus: 128 + signal) }
    case SIGHUP: for process in processes { process.reopenLogs() }
    case SIGUSR2 where status == nil:
      log(.info, "replacing the processes one after another")
      slotsToReplace = slots.indices
    default: break  // SIGCHLD: `reap` runs in any case.
    }
  }

  private func terminateAll(exitStatus status: Int32) {
    self.status = status
    notifyManager(.stopping)
    for index in slots.indices { slots[index].nextStart = nil }
    for process in processes { process.terminate() }
  }

  private func killAll(exitStatus status: Int32) {
    self.status = status
    hasKilledAll = true
    for process in processes { process.kill() }
  }

  /// Reaps processes that have ended. As the first process of a container, it also reaps orphans.
  private func reap() {
    var waitStatus: Int32 = 0
    while true {
      let id = waitpid(-1, &waitStatus, WNOHANG)
      guard id > 0 else { return }
      handleEnd(of: id, ProcessEnd(waitStatus: waitStatus))
    }
  }

  private func handleEnd(of id: pid_t, _ end: ProcessEnd) {
    guard let process = processes.first(where: { $0.id == id }) else { return }
    process.readMessages()
    // A process that was not ready has no handler for SIGTERM and is killed by it.
    let wasExpected = hasKilledAll || process.isTerminating && [.exited(0), .killed(by: .terminate)].contains(end)
    let outcome = "(\(id)) \(end.description)\(activity(of: process, end))"
    replaced.removeAll { $0.id == id }
    guard let index = slots.firstIndex(where: { $0.process?.id == id || $0.successor?.id == id }) else {
      if !wasExpected { log(.error, "a process that has been replaced \(outcome)") }
      return
    }
    if slots[index].successor?.id == id {
      slots[index].successor = nil
      slotsToReplace = 0..<0
      if status == nil { log(.error, "a new process \(index + 1) \(outcome) before it was ready: keeping the others") }
      return
    }
    slots[index].process = slots[index].successor
    slots[index].successor = nil
    if status != nil {
      if !wasExpected { log(.error, "process \(index + 1) \(outcome)") }
    } else if !hasBeenReady {
      log(.error, "process \(index + 1) \(outcome) before any process was ready")
      terminateAll(exitStatus: end.exitStatus == 0 ? EXIT_FAILURE : end.exitStatus)
    } else {
      let delay = slots[index].backoff.nextDelay(afterLifetime: .nanoseconds(MonotonicTime.now - process.startTime))
      if slots[index].process == nil { slots[index].nextStart = MonotonicTime.deadline(after: delay) }
      log(.error, "process \(index + 1) \(outcome); restarting \(delay == .zero ? "at once" : "in \(delay)")")
    }
  }

  /// Describes what a crashed process was doing, for the log.
  private func activity(of process: SupervisedProcess, _ end: ProcessEnd) -> String {
    guard case .killed = end else { return "" }
    let activity = process.crashActivity ?? ""
    return activity.isEmpty ? ", activity unknown" : " in \(activity)"
  }

  /// Moves successors that are ready into their slots, and notices when all processes are ready.
  private func promoteSuccessors() {
    for index in slots.indices where slots[index].successor?.isReady == true {
      if let old = slots[index].process {
        old.terminate()
        replaced.append(old)
      }
      slots[index].process = slots[index].successor
      slots[index].successor = nil
    }
    hasBeenReady = hasBeenReady || slots.contains { $0.process?.isReady == true }
    if !hasAllBeenReady, status == nil, slots.allSatisfy({ $0.process?.isReady == true }) {
      hasAllBeenReady = true
      onReady()
      notifyManager(.ready)
    }
  }

  /// Kills processes that have sent no heartbeat for too long.
  private func killStuck() {
    let now = MonotonicTime.now
    for process in processes where now - process.lastHeartbeat > heartbeatLimit.nanoseconds {
      log(.error, "process \(process.id) has sent no heartbeat for \(heartbeatLimit); killing it")
      process.kill()
    }
  }

  private func notifyManager(_ state: ServiceNotifier.State) {
    do throws(IOError) {
      try notifier?.notify(state)
    } catch {
      log(.warning, "NOTIFY_SOCKET: the service manager could not be notified: \(error)")
    }
  }

  /// Writes a line to standard error, unless that would block: the supervisor must not wait for a log.
  private func log(_ level: LogEvent.Level, _ message: String) {
    let line = LogEvent(level, message).line(logFormat) + "\n"
    var standardError = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    if poll(&standardError, 1, 0) == 1 { write(STDERR_FILENO, line, line.utf8.count) }
  }
}
