/// When a simulation has gone on for too long.
public struct SimulationLimits: Hashable, Sendable {
  /// The most time that may pass in it: what waits for longer waits for ever. Two days unless set.
  public var time: Duration = .seconds(2 * 86_400)
  /// The most real time that a run may take. Two minutes unless set, which is far more than any run takes that gets on: it
  /// is for those that do not, and machines differ.
  public var realTime: Duration = .seconds(120)
  /// How often in a row the time may go on to the next sleep's end without anything else coming of that than other sleeps,
  /// if all the sleeps that are under way began meanwhile: a server that ticks, while a client waits for an answer that does
  /// not come. 250,000 unless set, which is three days of ticks of a second.
  public var ticksWithoutProgress = 250_000
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
