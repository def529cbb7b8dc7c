import CRuntime
import Glibc
import RuntimePrimitives

/// Writes lines to a descriptor from a thread of its own, so that no caller ever waits for the descriptor.
///
/// Lines wait in a bounded buffer. A line for which there is no room is dropped and counted, and a line of its own, with
/// the time and "12 lines were dropped", says so once there is room again. A descriptor that fails, such as a pipe without a reader or
/// a file on a full disk, loses the lines that were given to it; they are counted too, and later lines are tried again.
/// The descriptor may be non-blocking, and a write never raises a signal.
///
/// A writer lasts until the process ends, and so does its thread, `gearbox-log`, which starts with the first line.
public final class LineWriter: Sendable {
  /// The writer for standard error: where a `Server` logs unless told otherwise.
  public static let standardError = LineWriter(descriptor: STDERR_FILENO)

  /// How many bytes may wait unless set, 256 KiB: some thousand lines, which is more than a server in trouble says while
  /// a healthy reader is late, and little beside the memory of its connections.
  public static let defaultCapacity = 256 * 1024

  /// How its lines are written by those who have a choice, an ``ErrorLog`` among them, and by itself.
  public let format: LogFormat

  private let descriptor: Int32
  /// The file's, if it is one that the writer has opened.
  private let path: String?
  private let capacity: Int
  private let delay: Int64
  private let state = Monitor(State())

  private struct State {
    /// Lines that the thread has not taken yet.
    var queued: [UInt8] = []
    /// How many bytes wait, those that the thread has taken but not written among them.
    var pending = 0
    /// Lines dropped since the process began, and since they were last reported.
    var (dropped, unreported) = (0, 0)
    /// Whether the descriptor failed when it was last written to. A report waits for the next line then, since a report
    /// alone would be tried again and again.
    var hasFailed = false
    var hasThread = false
    var wait = Wait.none
    /// Whether lines are not to wait for others, since a caller waits for them.
    var isHurried = false

    /// What the thread waits for, if it does; who ends the wait puts `none` there, so that the thread is woken once.
    enum Wait { case none, work, company }

    /// Whether there is something for the thread to do.
    var isWanted: Bool { !queued.isEmpty || unreported > 0 && !hasFailed }
  }

  /// A writer for `descriptor`, which has to stay open until the process ends.
  ///
  /// - Parameters:
  ///   - format: how lines are written.
  ///   - capacity: how many bytes may wait for the descriptor.
  ///   - delay: how long a line may wait for others to be written with. Without a delay each line wakes the thread, which
  ///     costs more than the line where there are thousands a second, as in an access log. No line waits longer than it
  ///     takes for a quarter of the capacity to fill, or for ``flush(within:)`` to be called.
  public convenience init(
    descriptor: Int32, format: LogFormat = .text, capacity: Int = defaultCapacity, delay: Duration = .zero
  ) {
    self.init(descriptor, nil, format, capacity, delay)
  }

  /// A writer that appends to the file at `path`, which is made if there is none, for others to read.
  ///
  /// - Throws: ``IOError`` if it cannot be opened.
  public convenience init(
    appendingTo path: String, format: LogFormat = .text, capacity: Int = defaultCapacity, delay: Duration = .zero
  ) throws(IOError) {
    self.init(try Self.open(path), path, format, capacity, delay)
  }

  private init(_ descriptor: Int32, _ path: String?, _ format: LogFormat, _ capacity: Int, _ delay: Duration) {
    self.descriptor = descriptor
    self.path = path
    self.format = format
    self.capacity = capacity
    self.delay = max(0, delay.nanoseconds)
  }

  /// Opens the file again that the writer appends to, where another program has moved it or removed it, as `logrotate`
  /// does. Lines that wait go to the new file. Does nothing if the writer was given a descriptor.
  ///
  /// - Throws: ``IOError`` if it cannot be opened; the writer goes on with the old file then.
  public func reopen() throws(IOError) {
    guard let path else { return }
    let new = try Self.open(path)
    defer { close(new) }
    // In one step, so that a write goes to the one file or to the other.
    guard gearbox_replace_descriptor(new, descriptor) >= 0 else { throw IOError(.open, .system(errno)) }
  }

  /// Non-blocking, which matters for a pipe without a reader alone: that is an error then, and not a wait.
  private static func open(_ path: String) throws(IOError) -> Int32 {
    let descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o644)
    guard descriptor >= 0 else { throw IOError(.open, .system(errno)) }
    return descriptor
  }

  /// How many lines have been dropped, because there was no room for them or because the descriptor failed.
  public var droppedLines: Int { state.withLock { $0.dropped } }

  /// Has `line` written. Returns at once, and may be called from any thread or task.
  ///
  /// Control characters are escaped (`\n`, `\u{1B}`), so that a call is always one line. A line of more than 16 KiB is
  /// cut there.
  public func write(_ line: String) {
    var text = Self.cut(line).onOneLine
    text.append("\n")
    write(wholeLine: text.utf8.span)
  }

  /// Has `event` written with the present time, as ``write(_:)`` does.
  func write(_ event: LogEvent) {
    var line: [UInt8] = []
    let fields = event.fields.map { LogEvent.Field($0.name, Self.cut($0.value)) }
    LogEvent(event.level, Self.cut(event.message), about: event.context, fields: fields)
      .append(to: &line, format, at: .now)
    write(wholeLine: line.span)
  }

  /// Has a line written that ends with a newline and holds no other control character. Returns at once, and allocates
  /// nothing once as much has waited before.
  package func write(wholeLine line: Span<UInt8>) {
    let wakes = state.withLock { state in
      startThread(&state)
      if line.count <= capacity - state.pending {
        line.withUnsafeBufferPointer { state.queued.append(contentsOf: $0) }
        state.pending += line.count
      } else {
        state.dropped += 1
        state.unreported += 1
      }
      return endWait(&state)
    }
    if wakes { state.notifyAll() }
  }

  /// Ends the thread's wait, if there is reason to.
  ///
  /// - Returns: whether the thread has to be woken.
  private func endWait(_ state: inout State) -> Bool {
    switch state.wait {
    case .none: return false
    case .work: guard state.isWanted else { return false }
    case .company: guard isDue(state) else { return false }
    }
    state.wait = .none
    return true
  }

  /// Whether lines are not to wait for others any longer.
  private func isDue(_ state: State) -> Bool {
    state.isHurried || state.queued.count >= capacity / 4 || state.unreported > 0
  }

  /// Waits until all lines have been written, but no longer than `limit`: for a program that is about to end.
  ///
  /// It blocks the calling thread.
  ///
  /// - Returns: whether no line waits any more. Lines that a failing descriptor has lost do not wait.
  @discardableResult
  public func flush(within limit: Duration) -> Bool {
    let wakes = state.withLock { state in
      if state.isWanted { startThread(&state) }
      state.isHurried = true
      return endWait(&state)
    }
    if wakes { state.notifyAll() }
    return state.wait(until: MonotonicTime.deadline(after: max(limit, .zero))) { state, isLate in
      state.pending == 0 && !state.isWanted ? true : isLate ? false : nil
    }
  }

  /// A line longer than this is most likely a mistake, and must not take the room of all others.
  private static let longestLine = 16 * 1024

  private static func cut(_ line: String) -> String {
    guard line.utf8.count > longestLine else { return line }
    return String(decoding: line.utf8.prefix(longestLine), as: UTF8.self) + "…"
  }
}

// MARK: - The thread

extension LineWriter {
  /// Starts the thread with the first line. Where the system has none to give, the next line tries again.
  private func startThread(_ state: inout State) {
    guard !state.hasThread, let thread = try? Thread(name: "gearbox-log", serve) else { return }
    thread.detach()
    state.hasThread = true
  }

  private func serve() {
    // What a descriptor that fails would raise, and what a file that grows too long would: both end the process.
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGPIPE, SIGXFSZ] { sigaddset(&signals, signal) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    var isMidLine = false
    var lines: [UInt8] = []
    while true {
      let hasDropped = takeLines(&lines)
      // The report comes after the lines that took the room, and counts those that were dropped while they were written.
      if deliver(lines, &isMidLine), hasDropped {
        let (report, count) = takeReport()
        deliver(report, &isMidLine, reporting: count)
      }
    }
  }

  /// Waits for lines, and for as long as they may wait for others.
  ///
  /// - Parameter lines: gives its memory for the next lines, and gets those that there are.
  /// - Returns: whether lines have been dropped.
  private func takeLines(_ lines: inout [UInt8]) -> Bool {
    // What a burst has taken is given back.
    if lines.capacity <= max(capacity / 4, 16 * 1024) { lines.removeAll(keepingCapacity: true) } else { lines = [] }
    state.wait { state, _ -> Void? in
      state.wait = state.isWanted ? .none : .work
      return state.isWanted ? () : nil
    }
    if delay > 0 {
      state.wait(until: MonotonicTime.deadline(after: delay)) { state, isLate -> Void? in
        let isOver = isLate || isDue(state)
        state.wait = isOver ? .none : .company
        return isOver ? () : nil
      }
    }
    return state.withLock { state in
      swap(&state.queued, &lines)
      state.isHurried = false
      return state.unreported > 0
    }
  }

  private func takeReport() -> ([UInt8], count: Int) {
    state.withLock { state in
      let count = exchange(&state.unreported, with: 0)
      var report: [UInt8] = []
      let event = LogEvent(.warning, count == 1 ? "1 line was dropped" : "\(count) lines were dropped")
      event.append(to: &report, format, at: .now)
      state.pending += report.count
      return (report, count)
    }
  }

  /// Writes whole lines, and counts them as dropped if the descriptor fails.
  ///
  /// - Parameters:
  ///   - isMidLine: whether a failure has left a part of a line there, which the next must not continue.
  ///   - reported: how many dropped lines these report, which is done again if it fails; 0 if they are no report.
  /// - Returns: whether they have been written.
  @discardableResult
  private func deliver(_ lines: [UInt8], _ isMidLine: inout Bool, reporting reported: Int = 0) -> Bool {
    let newline = UInt8(ascii: "\n")
    if isMidLine, send([newline], isCounted: false).isEmpty { isMidLine = false }
    let rest = isMidLine ? lines[...] : send(lines[...], isCounted: true)
    if rest.startIndex > 0, !rest.isEmpty { isMidLine = lines[rest.startIndex - 1] != newline }
    let lost = reported > 0 ? 0 : rest.count(where: { $0 == newline })
    state.withLock { state in
      state.hasFailed = !rest.isEmpty
      state.pending -= rest.count
      state.dropped += lost
      if state.hasFailed { state.unreported += lost + reported }
    }
    state.notifyAll()  // A flush may be waiting.
    return rest.isEmpty
  }

  /// Writes `bytes`, waiting for as long as the descriptor takes none.
  ///
  /// - Parameter isCounted: whether they are among those that wait.
  /// - Returns: what is left since the descriptor has failed.
  private func send(_ bytes: ArraySlice<UInt8>, isCounted: Bool) -> ArraySlice<UInt8> {
    var rest = bytes
    let limit = isPipe ? Int(PIPE_BUF) : 64 * 1024
    while !rest.isEmpty {
      let count = rest.prefix(Self.pieceLength(rest, upTo: limit)).withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count > 0 {
        rest = rest.dropFirst(count)
        if isCounted { state.withLock { $0.pending -= count } }
      } else if count < 0, errno == EAGAIN {
        var event = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&event, 1, -1)  // If this fails the next write says why.
      } else if count == 0 || errno != EINTR {
        return rest
      }
    }
    return rest
  }

  /// Whether lines of other processes may come between ours: a pipe takes no more in one piece than `PIPE_BUF`.
  private var isPipe: Bool {
    var status = stat()
    return fstat(descriptor, &status) != 0 || status.st_mode & S_IFMT == S_IFIFO
  }

  /// The length of as many whole lines as fit within `limit`, or of one line that is longer: lines of other processes
  /// that write to the same pipe then come between ours and not within them.
  private static func pieceLength(_ bytes: ArraySlice<UInt8>, upTo limit: Int) -> Int {
    let newline = UInt8(ascii: "\n")
    let end = bytes.prefix(limit).lastIndex(of: newline) ?? bytes.firstIndex(of: newline)
    return (end ?? bytes.endIndex - 1) - bytes.startIndex + 1
  }
}
