import CRuntime
import Glibc
import RuntimePrimitives

/// Writes lines to a descriptor from its own thread, so that callers never wait for the descriptor.
///
/// Lines wait in a bounded buffer. A line that does not fit is dropped and counted. Once there is room again, the
/// writer adds a line with the time and the count, such as "12 lines were dropped". If a write fails (a pipe without a
/// reader, a file on a full disk), the lines of that write are lost and counted too, and later lines are tried again.
/// The descriptor may be non-blocking. A write never raises a signal.
///
/// A writer and its thread, `gearbox-log`, live until the process ends. The thread starts with the first line.
public final class LineWriter: Sendable {
  /// The writer for standard error, where a `Server` logs by default.
  public static let standardError = LineWriter(descriptor: STDERR_FILENO)

  /// The default capacity in bytes, 256 KiB: some thousand lines. That is more than a server in trouble writes while a
  /// healthy reader lags, and little beside the memory of its connections.
  public static let defaultCapacity = 256 * 1024

  /// The format of the writer's own lines and of those of an ``ErrorLog``.
  public let format: LogFormat

  private let descriptor: Int32
  /// The path, if the writer opened the file itself.
  private let path: String?
  private let capacity: Int
  private let delay: Int64
  private let state = Monitor(State())

  private struct State {
    /// Lines that the thread has not taken yet.
    var queued: [UInt8] = []
    /// The number of bytes not yet written, including those that the thread has taken.
    var pending = 0
    /// Lines dropped in total, and since the last report.
    var (dropped, unreported) = (0, 0)
    /// Whether the last write failed. A report then waits for the next line, since a report on its own would be retried
    /// again and again.
    var hasFailed = false
    var hasThread = false
    var wait = Wait.none
    /// Whether lines are written without delay, because a `flush` is waiting.
    var isFlushing = false

    /// What the thread waits for. The caller that ends the wait sets it to `none`, so that the thread is woken once.
    enum Wait { case none, work, moreLines }

    /// Whether the thread has something to write.
    var hasWork: Bool { !queued.isEmpty || unreported > 0 && !hasFailed }
  }

  /// Creates a writer for `descriptor`, which must stay open until the process ends.
  ///
  /// - Parameters:
  ///   - format: the format of the lines.
  ///   - capacity: the number of bytes that may wait for the descriptor.
  ///   - delay: how long a line may wait to be written together with others. Without a delay each line wakes the thread,
  ///     which costs more than the line itself at thousands of lines a second, as in an access log. A line never waits
  ///     longer than it takes to fill a quarter of the capacity, or than until ``flush(within:)`` is called.
  public convenience init(
    descriptor: Int32, format: LogFormat = .text, capacity: Int = defaultCapacity, delay: Duration = .zero
  ) {
    self.init(descriptor, nil, format, capacity, delay)
  }

  /// Creates a writer that appends to the file at `path`. The file is created if needed, readable by everyone.
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

  /// Reopens the file at the writer's path after another program, such as `logrotate`, has moved or removed it. Waiting
  /// lines go to the new file. Does nothing if the writer was created with a descriptor.
  ///
  /// - Throws: ``IOError`` if the file cannot be opened. The writer then continues with the old file.
  public func reopen() throws(IOError) {
    guard let path else { return }
    let new = try Self.open(path)
    defer { close(new) }
    // Replaced atomically, so that a write goes to one file or the other.
    guard gearbox_replace_descriptor(new, descriptor) >= 0 else { throw IOError(.open, .system(errno)) }
  }

  /// Opens the file non-blocking, which matters only for a pipe without a reader: the open then fails instead of
  /// waiting.
  private static func open(_ path: String) throws(IOError) -> Int32 {
    let descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o644)
    guard descriptor >= 0 else { throw IOError(.open, .system(errno)) }
    return descriptor
  }

  /// The number of lines dropped so far, because the buffer was full or because a write failed.
  public var droppedLines: Int { state.withLock { $0.dropped } }

  /// Queues `line` for writing and returns at once. It may be called from any thread or task.
  ///
  /// Control characters are escaped (`\n`, `\u{1B}`), so that each call writes one line. Lines are truncated to 16 KiB.
  public func write(_ line: String) {
    var text = Self.truncated(line).onOneLine
    text.append("\n")
    write(wholeLine: text.utf8.span)
  }

  /// Queues `event` with the current time, like ``write(_:)``.
  func write(_ event: LogEvent) {
    var line: [UInt8] = []
    let fields = event.fields.map { LogEvent.Field($0.name, Self.truncated($0.value)) }
    LogEvent(event.level, Self.truncated(event.message), about: event.context, fields: fields)
      .append(to: &line, format, at: .now)
    write(wholeLine: line.span)
  }

  /// Queues a line that ends with a newline and contains no other control character. Returns at once. It allocates only
  /// to grow the buffer.
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

  /// Ends the thread's wait if its condition holds.
  ///
  /// - Returns: whether the caller has to wake the thread.
  private func endWait(_ state: inout State) -> Bool {
    switch state.wait {
    case .none: return false
    case .work: guard state.hasWork else { return false }
    case .moreLines: guard isDue(state) else { return false }
    }
    state.wait = .none
    return true
  }

  /// Whether lines should no longer wait for others.
  private func isDue(_ state: State) -> Bool {
    state.isFlushing || state.queued.count >= capacity / 4 || state.unreported > 0
  }

  /// Waits until all lines have been written, but at most `limit`. Call it before a program ends.
  ///
  /// It blocks the calling thread.
  ///
  /// - Returns: whether no line is waiting. Lines that a failed write has lost are not waiting.
  @discardableResult
  public func flush(within limit: Duration) -> Bool {
    let wakes = state.withLock { state in
      if state.hasWork { startThread(&state) }
      state.isFlushing = true
      return endWait(&state)
    }
    if wakes { state.notifyAll() }
    return state.wait(until: MonotonicTime.deadline(after: max(limit, .zero))) { state, isLate in
      state.pending == 0 && !state.hasWork ? true : isLate ? false : nil
    }
  }

  /// The length at which lines are truncated: a longer line is most likely a mistake and must not displace all others.
  private static let longestLine = 16 * 1024

  private static func truncated(_ line: String) -> String {
    guard line.utf8.count > longestLine else { return line }
    return String(decoding: line.utf8.prefix(longestLine), as: UTF8.self) + "…"
  }
}

// MARK: - The thread

extension LineWriter {
  /// Starts the thread with the first line. If the system cannot create a thread, the next line tries again.
  private func startThread(_ state: inout State) {
    guard !state.hasThread, let thread = try? Thread(name: "gearbox-log", runWriteLoop) else { return }
    thread.detach()
    state.hasThread = true
  }

  private func runWriteLoop() {
    // A write to a broken pipe raises SIGPIPE, and one to a file that grows too long SIGXFSZ. Both would end the
    // process.
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGPIPE, SIGXFSZ] { sigaddset(&signals, signal) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    var isMidLine = false
    var lines: [UInt8] = []
    while true {
      let hasDropped = takeLines(&lines)
      // The report follows the lines that filled the buffer, and includes lines dropped while they were written.
      if writeLines(lines, &isMidLine), hasDropped {
        let (report, count) = takeReport()
        writeLines(report, &isMidLine, reporting: count)
      }
    }
  }

  /// Waits for lines, and then for the delay.
  ///
  /// - Parameter lines: receives the waiting lines. Its memory is reused for the next ones.
  /// - Returns: whether lines have been dropped since the last report.
  private func takeLines(_ lines: inout [UInt8]) -> Bool {
    // Memory that a burst has required is released.
    if lines.capacity <= max(capacity / 4, 16 * 1024) { lines.removeAll(keepingCapacity: true) } else { lines = [] }
    state.wait { state, _ -> Void? in
      state.wait = state.hasWork ? .none : .work
      return state.hasWork ? () : nil
    }
    if delay > 0 {
      state.wait(until: MonotonicTime.deadline(after: delay)) { state, isLate -> Void? in
        let isOver = isLate || isDue(state)
        state.wait = isOver ? .none : .moreLines
        return isOver ? () : nil
      }
    }
    return state.withLock { state in
      swap(&state.queued, &lines)
      state.isFlushing = false
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

  /// Writes whole lines. If the write fails, counts them as dropped.
  ///
  /// - Parameters:
  ///   - isMidLine: whether a failure has left a partial line, which the next line must not continue.
  ///   - reported: the number of dropped lines that `lines` reports, restored if the write fails; 0 if `lines` is no
  ///     report.
  /// - Returns: whether all lines have been written.
  @discardableResult
  private func writeLines(_ lines: [UInt8], _ isMidLine: inout Bool, reporting reported: Int = 0) -> Bool {
    let newline = UInt8(ascii: "\n")
    if isMidLine, writeBytes([newline], isCounted: false).isEmpty { isMidLine = false }
    let rest = isMidLine ? lines[...] : writeBytes(lines[...], isCounted: true)
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

  /// Writes `bytes`, waiting while the descriptor accepts none.
  ///
  /// - Parameter isCounted: whether `bytes` are included in `pending`.
  /// - Returns: the bytes that remain because the write failed.
  private func writeBytes(_ bytes: ArraySlice<UInt8>, isCounted: Bool) -> ArraySlice<UInt8> {
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

  /// Whether the descriptor is a pipe, in which lines of other processes may come between ours: a pipe accepts at most
  /// `PIPE_BUF` bytes atomically.
  private var isPipe: Bool {
    var status = stat()
    return fstat(descriptor, &status) != 0 || status.st_mode & S_IFMT == S_IFIFO
  }

  /// Returns the length of as many whole lines as fit within `limit`, or of the first line if it is longer. Lines that
  /// other processes write to the same pipe then come between ours and not within them.
  private static func pieceLength(_ bytes: ArraySlice<UInt8>, upTo limit: Int) -> Int {
    let newline = UInt8(ascii: "\n")
    let end = bytes.prefix(limit).lastIndex(of: newline) ?? bytes.firstIndex(of: newline)
    return (end ?? bytes.endIndex - 1) - bytes.startIndex + 1
  }
}
