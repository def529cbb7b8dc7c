public import Runtime

/// A request observer that writes one line for each request that has ended, including those that the engine refused and
/// those whose clients disconnected.
///
/// ```swift
/// let writer = LineWriter(descriptor: 1, format: .json, delay: .milliseconds(100))
/// options.observers.append(AccessLog(to: writer))
/// ...
/// writer.flush(within: .seconds(1))  // before the program ends
/// ```
///
/// In JSON, a line is an object; fields without a value are left out. In text, a line is in the Common Log Format,
/// followed by further named fields. `docs/operating.md` shows an example of each and describes the fields.
///
/// The time is when the request's head had been received. The duration is in seconds from then on. Lengths are those of
/// content, in bytes. The target is logged as it was sent, including its query. Whatever a client sends, a request
/// takes exactly one line, without control characters.
///
/// A request never waits for the log: if the writer has no room for a line, the line is dropped, and the writer notes
/// this in the log.
public final class AccessLog: RequestObserver {
  private let writer: LineWriter
  private let lines = Pool { AccessLine() }

  /// Creates an access log that writes to `writer`, in its format. Give the writer a delay, so that it writes several
  /// lines at once.
  public init(to writer: LineWriter) { self.writer = writer }

  /// Writes the line of the request.
  public func requestEnded(_ record: RequestRecord) {
    let line = lines.take()
    line.append(record, in: writer.format)
    writer.write(wholeLine: line.bytes.contents.span)
    lines.giveBack(line)
  }
}
