public import Runtime

/// Writes a line for each request that has ended: those that the engine has refused too, and those whose clients have gone.
///
/// ```swift
/// let writer = LineWriter(descriptor: 1, format: .json, delay: .milliseconds(100))
/// options.observers.append(AccessLog(to: writer))
/// ...
/// writer.flush(within: .seconds(1))  // before the program ends
/// ```
///
/// In JSON a line is an object, and what is not known of a request is left out. In text it is in the Common Log Format,
/// with the other fields behind it, each with its name. `docs/operating.md` has an example of each, and says what each
/// field means.
///
/// The time is that at which the request's head had come, the duration is in seconds from then on, and the lengths are
/// those of content, in bytes. The target is there as it was sent, with its query. Whatever a client sends, a request is
/// one line without control characters.
///
/// A request never waits for the log: a line for which the writer has no room is dropped, and the writer says so in the
/// log.
public final class AccessLog: RequestObserver {
  private let writer: LineWriter
  private let lines = Pool { AccessLine() }

  /// A log to `writer`, in its format. Give the writer a delay, so that lines are written together.
  public init(to writer: LineWriter) { self.writer = writer }

  public func requestEnded(_ record: RequestRecord) {
    let line = lines.take()
    line.append(record, in: writer.format)
    writer.write(wholeLine: line.bytes.taken.span)
    lines.giveBack(line)
  }
}
