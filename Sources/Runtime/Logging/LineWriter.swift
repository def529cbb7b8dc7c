import Glibc
import RuntimePrimitives

/// Writes lines to a descriptor from a thread of its own, so that no caller ever waits for the descriptor.
///
/// Lines wait in a bounded buffer. A line for which there is no room is dropped and counted, and a line of its own,
/// "12 lines were dropped", says so once there is room again. A descriptor that fails, such as a pipe without a reader or
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

  private let descriptor: Int32
  private let capacity: Int
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

    /// Whether there is something for the thread to do.
    var isWanted: Bool { !queued.isEmpty || unreported > 0 && !hasFailed }
  }

  /// A writer for `descriptor`, which has to stay open until the process ends.
  ///
  /// - Parameter capacity: how many bytes may wait for the descriptor.
  public init(descriptor: Int32, capacity: Int = defaultCapacity) {
    self.descriptor = descriptor
    self.capacity = capacity
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
    let count = text.utf8.count
    state.withLock { state in
      startThread(&state)
      if count <= capacity - state.pending {
        state.queued.append(contentsOf: text.utf8)
        state.pending += count
      } else {
        state.dropped += 1
        state.unreported += 1
      }
    }
    state.notifyAll()
  }

  /// Waits until all lines have been written, but no longer than `limit`: for a program that is about to end.
  ///
  /// It blocks the calling thread.
  ///
  /// - Returns: whether no line waits any more. Lines that a failing descriptor has lost do not wait.
  @discardableResult
  public func flush(within limit: Duration) -> Bool {
    state.withLock { if $0.isWanted { startThread(&$0) } }
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
    while true {
      let (lines, hasDropped) = state.wait { state, _ in
        state.isWanted ? (exchange(&state.queued, with: []), state.unreported > 0) : nil
      }
      // The report comes after the lines that took the room, and counts those that were dropped while they were written.
      if deliver(lines, &isMidLine), hasDropped {
        let (report, count) = takeReport()
        deliver(report, &isMidLine, reporting: count)
      }
    }
  }

  private func takeReport() -> ([UInt8], count: Int) {
    state.withLock { state in
      let count = exchange(&state.unreported, with: 0)
      let report = Array((count == 1 ? "1 line was dropped\n" : "\(count) lines were dropped\n").utf8)
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
    while !rest.isEmpty {
      let count = rest.prefix(Self.pieceLength(rest)).withUnsafeBytes {
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

  /// As many whole lines as a pipe takes in one piece, or one line that is longer: lines of other processes that write to
  /// the same pipe then come between ours and not within them.
  private static func pieceLength(_ bytes: ArraySlice<UInt8>) -> Int {
    let newline = UInt8(ascii: "\n")
    let end = bytes.prefix(Int(PIPE_BUF)).lastIndex(of: newline) ?? bytes.firstIndex(of: newline)
    return (end ?? bytes.endIndex - 1) - bytes.startIndex + 1
  }
}
