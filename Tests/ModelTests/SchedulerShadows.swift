import Runtime

// The surroundings of the scheduler: threads, pollers, time and Swift's tasks.

protocol TaskExecutor: AnyObject, Sendable {}

extension TaskExecutor {
  func asUnownedTaskExecutor() -> Int { 0 }
}

/// The type in which Swift passes a job to the scheduler.
typealias ExecutorJob = UnownedJob

extension UnownedJob {
  init(_ job: ExecutorJob) { self = job }

  @unsafe func runSynchronously(on executor: Int) { run() }
}

/// Runs jobs. No task of a model yields.
struct JobRunner {
  func run(_ job: UnownedJob, on executor: Int) { job.run() }
}

/// Runs at once what the scheduler hands over when it has stopped.
enum SwiftPool {
  static func run(_ work: () -> Void) { work() }
}

/// The worker of each thread of the model.
nonisolated(unsafe) private var slots: [Int: Int32] = [:]  // One thread of the model runs at a time.

func gearbox_enter_executor(_ executor: UnsafeRawPointer?, _ slot: Int32) {
  slots[Model.current.running] = executor == nil ? nil : slot
}

func gearbox_slot(_ executor: UnsafeRawPointer) -> Int32 { slots[Model.current.running] ?? -1 }

enum MonotonicTime {
  /// The present time. Each reading takes so long that few are needed.
  static var now: Int64 {
    time += 6_000_000
    return time
  }

  static func deadline(after nanoseconds: Int64) -> Int64 { nanoseconds }
}
nonisolated(unsafe) private var time: Int64 = 0  // One thread of the model runs at a time.

enum PollerKind {
  case epoll

  func makePoller() throws(IOError) -> any Poller { Alarm() }
}

protocol Poller: AnyObject, Sendable {
  func poll(timeout: Int64?)
  func wake()
  func close()
}

/// A poller without sockets, which only sleeps and is woken. A wake before the sleep is kept.
private final class Alarm: Poller, @unchecked Sendable {  // One thread of the model runs at a time.
  private var isRinging = false

  func poll(timeout: Int64?) {
    if timeout != 0 { Model.current.wait(canTimeOut: timeout != nil) { self.isRinging } }
    isRinging = false
  }

  func wake() { isRinging = true }
  func close() {}
}

/// A thread's counters, as plain memory: they order nothing and need not be explored.
public final class JobCounters: @unchecked Sendable {  // One thread of the model runs at a time.
  private(set) var jobs = 0
  private(set) var stolen = 0
  private(set) var parks = 0
  private(set) var lastJob: UInt = 0

  init(laneNamed name: String) {}

  func hasTaken(_ job: UnownedJob) {
    jobs += 1
    lastJob = 1
  }

  func hasNoJob() { lastJob = 0 }
  func hasStolen(_ count: Int) { stolen += count }
  func hasParked() { parks += 1 }
  func addBusyTime(_ nanoseconds: Int64) {}
  func setJobAge(_ nanoseconds: Int64) {}
}

/// The list of relief workers, which no model reads. It is empty, because each lock adds to what has to be tried.
struct ReliefLanes {
  func add(_ lane: Lane) {}
}

/// The watch on tasks, which models do not use.
enum TaskWatch {
  static func willQueue(_ job: UnownedJob) {}
}

@usableFromInline
enum TaskTable {
  @usableFromInline static func willWaitForBlockingWork() {}
}

/// The pace of a watchdog that sleeps at once.
enum WatchdogPace {
  static func interval(after lateness: Int64) -> Int64 { 1 }
  static let idleChecks = 1
  static let reliefDelay: Int64 = 10_000_000
}

/// A stall, which models do not report.
struct OpenStall {
  init(_ lane: Lane, _ watchdog: Watchdog) {}
  func update(after time: Int64, _ watchdog: Watchdog) {}
  func end(after time: Int64, _ watchdog: Watchdog) {}
}

/// A queue in which no task sleeps.
final class SleepQueue: Sendable {
  init(deadlineMoved: @escaping @Sendable (SleepQueue) -> Void) {}
  func fire() -> Int64? { nil }
}
