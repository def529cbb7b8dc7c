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

/// Runs what the scheduler sends away when it has stopped: at once.
enum globalConcurrentExecutor {
  static func enqueue(_ job: UnownedJob) { job.run() }
}

func _swift_createJobForTestingOnly(_ body: @escaping () -> Void) -> UnownedJob { UnownedJob(number: -1, run: body) }

/// Which worker each thread of the model is.
nonisolated(unsafe) private var slots: [Int: Int32] = [:]  // One thread of the model runs at a time.

func gearbox_enter_executor(_ executor: UnsafeRawPointer?, _ slot: Int32) {
  slots[Model.current.running] = executor == nil ? nil : slot
}

func gearbox_slot(_ executor: UnsafeRawPointer) -> Int32 { slots[Model.current.running] ?? -1 }

/// Each look at the clock takes so long that nobody has to look twice.
func monotonicNow() -> Int64 {
  time += 1_000_000
  return time
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

/// Nobody sleeps here.
final class SleepQueue: Sendable {
  init(deadlineMoved: @escaping @Sendable (SleepQueue) -> Void) {}
  func fire() -> Int64? { nil }
}
