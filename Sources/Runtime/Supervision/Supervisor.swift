import CRuntime
import Glibc
import RuntimePrimitives

/// Starts processes of this program that serve on the same sockets, and starts those anew that die.
///
/// ```swift
/// if let link = SupervisorLink.take() {
///   // Serve on `InheritedSocket.takeAll()`, tell by `link`, and end gracefully at SIGTERM.
/// } else {
///   let socket = try InheritedSocket.open(on: address)
///   exit(try Supervisor(processes: 4, sockets: [socket]).run())
/// }
/// ```
///
/// Swift has no way to go on after a trap: one handler's mistake ends the process, and with it every request in flight. With
/// a supervisor that is one process of several. The sockets stay open whatever becomes of the processes, so that connections
/// wait and none is refused.
///
/// The supervisor does nothing else. It has no runtime and no threads, and the program should have none when it runs it.
/// What it does about the processes:
///
/// - One that dies is started anew: at once, or after a wait where it has lived for less than ten seconds, of 100 ms at
///   first, up to ten seconds. A line of the log has its signal or status, and the route that it was answering, where it had
///   the time to say so.
/// - One that gives no sign of life for the ``heartbeatLimit`` is killed.
/// - As long as none has ever been ready, the first that ends is the end of all: a program that cannot start is not started
///   for ever.
///
/// And about signals:
///
/// | | |
/// |---|---|
/// | SIGTERM, SIGINT | ends all processes gracefully; a second one ends them at once |
/// | SIGHUP | is passed on, for logs to be opened anew |
/// | SIGUSR2 | replaces the processes one after another: each is told to end when another is ready, and the next follows when it has ended. If a new one dies first, the rest stay as they are. A file that has taken the place of the program's is what is started |
public final class Supervisor {
  /// How long a process may give no sign of life before it is killed.
  ///
  /// No less than three seconds: signs come every second, and one may be late. The default, half a minute, is far beyond
  /// what a busy machine does to a healthy runtime. Clients of a process in which everything is stuck wait as long; those of
  /// others do not.
  public var heartbeatLimit = Duration.seconds(30) {
    didSet { heartbeatLimit = max(heartbeatLimit, .seconds(3)) }
  }
  /// How its lines on standard error are written.
  public var logFormat = LogFormat.text
  /// The service manager, which is told when all processes are ready, and when they are to end.
  public var notifier: ServiceNotifier?
  /// Called once, when all processes are ready.
  public var onReady: () -> Void = {}

  private let starter: ProcessStarter
  private let sockets: [Int32]
  private var places: [Place]
  /// Those that others have taken the place of.
  private var leaving: [SupervisedProcess] = []
  /// The places that are to get a new process, one after another.
  private var toReplace = 0..<0
  private var hasBeenReady = false
  private var hasAllBeenReady = false
  /// The status to end with, once it is clear that all is to end.
  private var status: Int32?
  /// Whether all have been killed.
  private var endsNow = false

  /// Where there is to be a process.
  private struct Place {
    var process: SupervisedProcess?
    /// What is to take the place of `process` once it is ready.
    var successor: SupervisedProcess?
    var pace = RestartPace()
    /// When to start a process, while there is none.
    var nextStart: Int64? = 0
  }

  /// A supervisor of `processes` processes, at least one, that serve on `sockets`.
  ///
  /// - Throws: what ``InheritedSocket/takeDescriptor()`` throws.
  public init(processes: Int, sockets: [InheritedSocket]) throws(IOError) {
    var taken: [(descriptor: Int32, name: String)] = []
    for socket in sockets { taken.append((try socket.takeDescriptor(), socket.name)) }
    self.sockets = taken.map(\.descriptor)
    starter = try ProcessStarter(handingOver: taken)
    places = Array(repeating: Place(), count: max(1, processes))
  }

  deinit {
    for socket in sockets { close(socket) }
  }

  /// Supervises until a signal has ended all processes.
  ///
  /// - Returns: the status for the program to end with: 0, or that of a program which cannot start, or 128 and the number of
  ///   the signal that ended all at once.
  /// - Throws: ``IOError`` if there is no waiting for signals.
  public func run() throws(IOError) -> Int32 {
    let signals = try SignalDescriptor(ProcessStarter.signals)
    // What is logged to a pipe whose reader has gone is no reason to end.
    signal(SIGPIPE, SIG_IGN)
    while true {
      startWhatIsDue()
      if let status, processes.isEmpty { return status }
      wait(for: signals)
      for process in processes { process.readMessages() }
      while let signal = signals.next() { handle(signal) }
      reap()
      welcome()
      killStuck()
    }
  }

  private var processes: [SupervisedProcess] {
    places.flatMap { [$0.process, $0.successor].compactMap(\.self) } + leaving
  }

  /// Waits until a process has something to tell, a signal comes, or it is time to look after something.
  private func wait(for signals: borrowing SignalDescriptor) {
    let limit = heartbeatLimit.nanoseconds
    let limits = processes.map { MonotonicTime.deadline(after: limit, from: $0.lastSign) }
    let left = (places.compactMap(\.nextStart) + limits).min().map { max(0, $0 - MonotonicTime.now) / 1_000_000 + 1 }
    var events = ([signals.number] + processes.compactMap(\.channel)).map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    _ = poll(&events, nfds_t(events.count), left.map { Int32(clamping: $0) } ?? -1)  // Whatever it says, all are asked.
  }

  private func startWhatIsDue() {
    guard status == nil else { return }
    let now = MonotonicTime.now
    for index in places.indices {
      guard let time = places[index].nextStart, time <= now else { continue }
      // Where the system has no process to give, it may have one later.
      places[index].nextStart = MonotonicTime.deadline(after: RestartPace.longest)
      places[index].process = start(at: index)
      if places[index].process != nil { places[index].nextStart = nil }
      if status != nil { return }
    }
    // The next one is replaced when the last has ended.
    guard leaving.isEmpty, !places.contains(where: { $0.successor != nil }) else { return }
    while let index = toReplace.popFirst() {
      // Where there is none, the next will be new.
      guard places[index].process != nil else { continue }
      places[index].successor = start(at: index)
      if places[index].successor == nil { toReplace = 0..<0 }
      return
    }
  }

  private func start(at index: Int) -> SupervisedProcess? {
    do throws(IOError) {
      return try starter.start()
    } catch {
      log(.error, "process \(index + 1) cannot be started: \(error)")
      if !hasBeenReady { end(with: EXIT_FAILURE) }
      return nil
    }
  }

  private func handle(_ signal: Int32) {
    switch signal {
    case SIGTERM, SIGINT:
      if status == nil { end(with: 0) } else { endNow(with: 128 + signal) }
    case SIGHUP: for process in processes { process.reopenLogs() }
    case SIGUSR2 where status == nil:
      log(.info, "the processes are replaced one after another")
      toReplace = places.indices
    default: break  // SIGCHLD: `reap` asks in any case.
    }
  }

  private func end(with status: Int32) {
    self.status = status
    tell(.stopping)
    for index in places.indices { places[index].nextStart = nil }
    for process in processes { process.end() }
  }

  private func endNow(with status: Int32) {
    self.status = status
    endsNow = true
    for process in processes { process.endNow() }
  }

  /// Takes note of processes that have ended. As the first process of a container it also reaps those of others.
  private func reap() {
    var waitStatus: Int32 = 0
    while true {
      let id = waitpid(-1, &waitStatus, WNOHANG)
      guard id > 0 else { return }
      noteEnd(of: id, ProcessEnd(waitStatus: waitStatus))
    }
  }

  private func noteEnd(of id: pid_t, _ end: ProcessEnd) {
    guard let process = processes.first(where: { $0.id == id }) else { return }
    process.readMessages()
    // By the signal where it was not ready.
    let wasExpected = endsNow || process.isLeaving && [.exited(0), .killed(by: .terminate)].contains(end)
    let words = "(\(id)) \(end.description)\(activity(of: process, end))"
    leaving.removeAll { $0.id == id }
    guard let index = places.firstIndex(where: { $0.process?.id == id || $0.successor?.id == id }) else {
      if !wasExpected { log(.error, "a process that has been replaced \(words)") }
      return
    }
    if places[index].successor?.id == id {
      places[index].successor = nil
      toReplace = 0..<0
      if status == nil { log(.error, "a new process \(index + 1) \(words) before it was ready: the others stay") }
      return
    }
    places[index].process = places[index].successor
    places[index].successor = nil
    if status != nil {
      if !wasExpected { log(.error, "process \(index + 1) \(words)") }
    } else if !hasBeenReady {
      log(.error, "process \(index + 1) \(words) before any was ready")
      self.end(with: end.exitStatus == 0 ? EXIT_FAILURE : end.exitStatus)
    } else {
      let wait = places[index].pace.next(afterLifeOf: .nanoseconds(MonotonicTime.now - process.start))
      if places[index].process == nil { places[index].nextStart = MonotonicTime.deadline(after: wait) }
      log(.error, "process \(index + 1) \(words); another is started \(wait == .zero ? "at once" : "in \(wait)")")
    }
  }

  /// What a process that has crashed was doing, for the log.
  private func activity(of process: SupervisedProcess, _ end: ProcessEnd) -> String {
    guard case .killed = end else { return "" }
    let words = process.lastWords ?? ""
    return words.isEmpty ? ", doing what is unknown" : " in \(words)"
  }

  /// Lets processes that are ready take their places.
  private func welcome() {
    for index in places.indices where places[index].successor?.isReady == true {
      if let old = places[index].process {
        old.end()
        leaving.append(old)
      }
      places[index].process = places[index].successor
      places[index].successor = nil
    }
    hasBeenReady = hasBeenReady || places.contains { $0.process?.isReady == true }
    if !hasAllBeenReady, status == nil, places.allSatisfy({ $0.process?.isReady == true }) {
      hasAllBeenReady = true
      onReady()
      tell(.ready)
    }
  }

  /// Kills processes that have given no sign of life for too long.
  private func killStuck() {
    let now = MonotonicTime.now
    for process in processes where now - process.lastSign > heartbeatLimit.nanoseconds {
      log(.error, "process \(process.id) has given no sign of life for \(heartbeatLimit) and is killed")
      process.endNow()
    }
  }

  private func tell(_ state: ServiceNotifier.State) {
    do throws(IOError) {
      try notifier?.notify(state)
    } catch {
      log(.warning, "NOTIFY_SOCKET: the service manager cannot be told: \(error)")
    }
  }

  /// Writes a line to standard error, unless that takes none just now: the supervisor waits for nothing else.
  private func log(_ level: LogEvent.Level, _ message: String) {
    let line = LogEvent(level, message).line(logFormat) + "\n"
    var standardError = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    if poll(&standardError, 1, 0) == 1 { write(STDERR_FILENO, line, line.utf8.count) }
  }
}
