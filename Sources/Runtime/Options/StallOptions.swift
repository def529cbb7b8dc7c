/// What a runtime does about jobs that keep a worker for long: those that block, or compute without a pause.
public struct StallOptions: Sendable {
  /// The most relief workers: threads that run jobs while every worker is in one job for longer than ten milliseconds
  /// and others wait. With 0 no more threads than there are workers ever run jobs, and one that blocks them all delays
  /// everything.
  ///
  /// 64 lets as many requests block at once as a small server is asked for, at eight megabytes of address space and a few
  /// kilobytes of memory each.
  public var maximumReliefWorkers = 64

  /// How long a worker may be in one job before that counts as a stall and is reported. Shorter stalls than two
  /// milliseconds may go unseen.
  public var threshold: Duration = .milliseconds(100)

  /// Called once for each stall: when it is over, or after a second if it is not over by then. It runs on the watchdog's
  /// thread and must not block, since that thread covers for workers that do.
  ///
  /// Unless set it writes a line to ``ErrorLog/standard``, at most one a second.
  public var report: @Sendable (Stall) -> Void = { ErrorLog.standard.write($0) }

  /// The usual options.
  public init() {}
}
