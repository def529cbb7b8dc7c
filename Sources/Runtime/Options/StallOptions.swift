/// How a runtime reacts to jobs that keep a worker for long, because they block or compute without suspending.
public struct StallOptions: Sendable {
  /// The maximum number of relief workers: threads that run jobs while every worker has been in one job for longer than
  /// ten milliseconds and others wait. With 0, jobs that block all workers delay everything.
  ///
  /// The default, 64, lets as many requests block at once as a small server receives. Each costs eight megabytes of
  /// address space and a few kilobytes of memory.
  public var maximumReliefWorkers = 64

  /// How long a worker may be in one job before that counts as a stall. Stalls shorter than two milliseconds may go
  /// undetected.
  public var threshold: Duration = .milliseconds(100)

  /// Called once per stall: when it is over, or after a second if it is still in progress. It runs on the watchdog's
  /// thread and must not block, since that thread relieves blocked workers.
  ///
  /// By default it writes to ``ErrorLog/standard``, at most one line a second.
  public var report: @Sendable (Stall) -> Void = { ErrorLog.standard.write($0) }

  /// Creates the default options.
  public init() {}
}
