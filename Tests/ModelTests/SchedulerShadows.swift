import Runtime

// What the scheduler has around it: threads, pollers, time and Swift's tasks.

protocol TaskExecutor: AnyObject, Sendable {}

extension TaskExecutor {
  func asUnownedTaskExecutor() -> Int { 0 }
}

/// As the scheduler gets it from Swift.
typealias ExecutorJob = UnownedJob

extension UnownedJob {
  init(_ job: ExecutorJob) { self = job }

  @unsafe func runSynchronously(on executor: Int) { run() }
}

/// No task of a model yields.
struct JobRunner {
  func run(_ job: UnownedJob, on executor: Int) { job.run() }
}

/// Runs what the scheduler sends away when it has stopped: at once.
enum SwiftPool {
  static func run(_ work: () -> Void) { work() }
}

/// Which worker each thread of the model is.
nonisolated(unsafe) private var slots: [Int: Int32] = [:]  // One thread of the model runs at a time.

func gearbox_enter_executor(_ executor: UnsafeRawPointer?, _ slot: Int32) {
  slots[Model.current.running] = executor == nil ? nil : slot
}

func gearbox_slot(_ executor: UnsafeRawPointer) -> Int32 { slots[Model.current.running] ?? -1 }

enum MonotonicTime {
  /// Each look at the clock takes so long that few are needed.
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

/// A poller of no sockets: all it does is sleep and be woken. A wake that comes before the sleep is kept.
private final class Alarm: Poller, @unchecked Sendable {  // One thread of the model runs at a time.
  private var isRinging = false

  func poll(timeout: Int64?) {
    if timeout != 0 { Model.current.wait(canTimeOut: timeout != nil) { self.isRinging } }
    isRinging = false
  }

  func wake() { isRinging = true }
  func close() {}
}

/// What a thread has done, as plain memory: these figures order nothing, and need not be explored.
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
  func hasBeenBusy(for nanoseconds: Int64) {}
  func hasBeenInJob(for nanoseconds: Int64) {}
}

/// Nothing asks for the relief workers in a model, where each lock adds to what has to be tried.
struct ReliefLanes {
  func add(_ lane: Lane) {}
}

/// No task is watched in a model.
enum TaskWatch {
  static func willQueue(_ job: UnownedJob) {}
}

@usableFromInline
enum TaskTable {
  @usableFromInline static func willWaitForBlockingWork() {}
}

/// A watchdog that sleeps at once.
enum WatchdogPace {
  static func pause(after lateness: Int64) -> Int64 { 1 }
  static let idleLooks = 1
  static let reliefDelay: Int64 = 10_000_000
}

/// Stalls are not reported in a model.
struct OpenStall {
  init(_ lane: Lane, _ watchdog: Watchdog) {}
  func goesOn(for time: Int64, _ watchdog: Watchdog) {}
  func end(after time: Int64, _ watchdog: Watchdog) {}
}

/// Nobody sleeps here.
final class SleepQueue: Sendable {
  init(deadlineMoved: @escaping @Sendable (SleepQueue) -> Void) {}
  func fire() -> Int64? { nil }
}
