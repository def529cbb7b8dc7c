/// When a simulation has gone on for too long.
public struct SimulationLimits: Hashable, Sendable {
  /// The most time that may pass in it: what waits for longer waits for ever. Two days unless set.
  public var time: Duration = .seconds(2 * 86_400)
  /// The most jobs that may run without there ever being nothing to run.
  public var jobsWithoutPause = 10_000_000
  /// How long the tasks that are left when the body has ended may take to end as well, once everything has been closed.
  public var grace: Duration = .seconds(5)
  /// How many of a run's last events its failure shows.
  public var eventsShown = 40
  /// How many runs may be spent on finding out which of a failed run's faults it takes to make it fail.
  public var shrinkingRuns = 200

  /// The usual limits.
  public init() {}
}
