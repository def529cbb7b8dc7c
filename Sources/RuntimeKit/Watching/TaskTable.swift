import CRuntime
public import Runtime
import RuntimePrimitives
public import Synchronization

/// The records of watched tasks, for all runtimes of the process.
///
/// While there is no watch, code that would record something pays only for the load of one word.
@usableFromInline
enum TaskTable {
  /// The number of ``TaskWatch`` instances.
  @usableFromInline static let watchCount = Atomic<Int>(0)
  private static let lastID = Atomic<UInt64>(0)
  /// All records by identifier.
  private static let records = Lock<[UInt64: TaskRecord]>([:])
  /// The records of running tasks by task address. They are looked up several times per job, hence the shards.
  private static let shards = (0..<shardCount).map { _ in Shard() }
  private static let shardCount = 16

  /// Whether tasks are watched.
  @inlinable
  static var isWatched: Bool {
    // Relaxed: recording slightly too early or too late is harmless.
    watchCount.load(ordering: .relaxed) != 0
  }

  /// Changes the number of watches.
  static func addWatch(_ difference: Int) { watchCount.add(difference, ordering: .relaxed) }  // As in `isWatched`.

  // MARK: Calls from runtimes

  /// Creates the record of a task that is about to be started; `nil` while tasks are not watched.
  @usableFromInline
  static func makeRecord(_ options: TaskOptions) -> TaskRecord? {
    guard isWatched else { return nil }
    let id = lastID.wrappingAdd(1, ordering: .relaxed).newValue  // Relaxed: it only has to be unique.
    let record = TaskRecord(id: id, options)
    records.withLock { $0[id] = record }
    return record
  }

  /// Records that the current task, whose record this is, has started.
  static func taskDidStart(_ record: TaskRecord) {
    let task = gearbox_current_task()
    shard(of: task).withLock { $0[task] = record }
    record.beginJob(in: gearbox_lane(), at: MonotonicTime.now)
  }

  /// Removes the record of the current task. A task calls this before it ends, because its address may then be reused.
  static func taskWillEnd(_ record: TaskRecord) {
    let task = gearbox_current_task()
    shard(of: task).withLock { _ = $0.removeValue(forKey: task) }
    _ = records.withLock { $0.removeValue(forKey: record.id) }
  }

  /// Records that the task at address `task` is about to be made ready.
  @usableFromInline
  static func recordWake(of task: UInt) { record(task)?.recordWake(at: MonotonicTime.now) }

  /// Records what the current task is about to wait for.
  @inline(__always)
  static func willWait(for wait: @autoclosure () -> TaskRecord.Wait) {
    if isWatched { recordWait(wait()) }
  }

  /// Records that the current task is about to wait for blocking work.
  @inlinable
  static func willWaitForBlockingWork() {
    if isWatched { recordBlockingWork() }
  }

  @usableFromInline
  static func recordBlockingWork() { recordWait(.blockingWork) }

  /// Records that the current task does not have to wait after all.
  @inline(__always)
  static func willNotWait() {
    if isWatched { recordWait(nil) }
  }

  @inline(never)
  private static func recordWait(_ wait: TaskRecord.Wait?) { record(gearbox_current_task())?.recordWait(wait) }

  /// Records that a thread switches from job `last` to job `next` in `lane`; 0 stands for no job.
  @usableFromInline
  static func switchJobs(from last: UInt, to next: UInt, in lane: UInt32) {
    let now = MonotonicTime.now
    // A pool's thread that leaves the lane may run other tasks next.
    gearbox_set_lane(next == 0 ? 0 : lane)
    if last != 0 { record(last)?.endJob(in: lane, at: now) }
    if next != 0 { record(next)?.beginJob(in: lane, at: now) }
  }

  // MARK: Calls from a watch

  /// Snapshots of all watched tasks, in the order in which they were started.
  static var snapshots: [TaskSnapshot] {
    var addresses: [UInt64: UInt] = [:]
    for shard in shards {
      for (address, record) in shard.withLock(\.self) { addresses[record.id] = address }
    }
    let now = MonotonicTime.now
    return records.withLock { Array($0.values) }
      .map { record in
        record.snapshot(at: now, activity: addresses[record.id].flatMap(TaskNote.text))
      }
      .sorted { $0.id < $1.id }
  }

  private static func record(_ task: UInt) -> TaskRecord? { shard(of: task).withLock { $0[task] } }

  /// Returns the shard of a task. The allocator aligns tasks to 16 bytes, and often to larger powers of two.
  private static func shard(of task: UInt) -> Shard {
    shards[Int(truncatingIfNeeded: (task >> 4 ^ task >> 12) % UInt(shardCount))]
  }

  private final class Shard: Sendable {
    private let records = Lock<[UInt: TaskRecord]>([:])

    func withLock<Result: Sendable>(_ body: (inout [UInt: TaskRecord]) -> Result) -> Result {
      records.withLock { body(&$0) }
    }
  }
}
