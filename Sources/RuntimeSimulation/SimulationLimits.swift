/// The limits of a run's time and work.
public struct SimulationLimits: Hashable, Sendable {
  /// The longest simulated time. A timer after that ends the run. Two days by default.
  public var time: Duration = .seconds(2 * 86_400)
  /// The longest real time. Two minutes by default, far more than a run takes that makes progress: the limit is for
  /// runs that make none, and machines differ.
  public var realTime: Duration = .seconds(120)
  /// The number of times in a row that time may advance to the end of a sleep while tasks only sleep again. The limit
  /// applies once all sleeps in progress began during that period. An example is a server that ticks while a client
  /// waits for an answer that never comes. 250,000 by default, three days of ticks of a second.
  public var ticksWithoutProgress = 250_000
  /// The most jobs that may run without a pause, which is a moment at which no job is ready.
  public var jobsWithoutPause = 10_000_000
  /// The time that tasks left over when the body has ended have to end, after everything has been closed.
  public var grace: Duration = .seconds(5)
  /// The number of last events that a failure shows.
  public var eventsShown = 40
  /// The most runs to find out which of a failed run's faults the failure needs.
  public var shrinkingRuns = 200

  /// Creates the default limits.
  public init() {}
}
