import CRuntime
public import Runtime
import RuntimePrimitives
public import Synchronization

/// The records of the tasks that have been started while tasks are watched, for all runtimes of the process.
///
/// While none are watched, code that would tell it of something pays for a load of one word.
@usableFromInline
enum TaskTable {
  /// How many ``TaskWatch``es there are.
  @usableFromInline static let watchCount = Atomic<Int>(0)
  private static let lastID = Atomic<UInt64>(0)
  /// All records.
  private static let records = Lock<[UInt64: TaskRecord]>([:])
  /// Records by the address of the task, of those that have begun. Looked up several times for each job, so in shards.
  private static let shards = (0..<shardCount).map { _ in Shard() }
  private static let shardCount = 16

  /// Whether tasks are watched.
  @inlinable
  static var isWatched: Bool {
    // Relaxed: what is noted a moment too early or too late does no harm.
    watchCount.load(ordering: .relaxed) != 0
  }

  /// Counts one watch more, or less.
  static func addWatch(_ difference: Int) { watchCount.add(difference, ordering: .relaxed) }  // As in `isWatched`.

  // MARK: Told by the tasks' runtimes

  /// The record of a task that is about to be started; `nil` while tasks are not watched.
  @usableFromInline
  static func newRecord(_ options: TaskOptions) -> TaskRecord? {
    guard isWatched else { return nil }
    let id = lastID.wrappingAdd(1, ordering: .relaxed).newValue  // Relaxed: it has to differ, and orders nothing.
    let record = TaskRecord(id: id, options)
    records.withLock { $0[id] = record }
    return record
  }

  /// Notes that the current task, whose record this is, has begun.
  static func begin(_ record: TaskRecord) {
    let task = gearbox_current_task()
    shard(of: task).withLock { $0[task] = record }
    record.beginJob(in: gearbox_lane(), at: MonotonicTime.now)
  }

  /// Forgets the current task, whose record this is. A task does this before it ends, because its address is then another's.
  static func end(_ record: TaskRecord) {
    let task = gearbox_current_task()
    shard(of: task).withLock { _ = $0.removeValue(forKey: task) }
    _ = records.withLock { $0.removeValue(forKey: record.id) }
  }

  /// Notes that the task at address `task` is about to be made ready to go on.
  @usableFromInline
  static func wake(_ task: UInt) { record(task)?.wake(at: MonotonicTime.now) }

  /// Notes what the current task is about to wait for.
  @inline(__always)
  static func willWait(for wait: @autoclosure () -> TaskRecord.Wait) {
    if isWatched { note(wait()) }
  }

  /// Notes that the current task is about to wait for blocking work.
  @inlinable
  static func willWaitForBlockingWork() {
    if isWatched { noteBlockingWork() }
  }

  @usableFromInline
  static func noteBlockingWork() { note(.blockingWork) }

  /// Notes that the current task need not wait after all.
  @inline(__always)
  static func doesNotWait() {
    if isWatched { note(nil) }
  }

  @inline(never)
  private static func note(_ wait: TaskRecord.Wait?) { record(gearbox_current_task())?.note(wait) }

  /// Notes that a thread goes from `last` to `next` in `lane`: jobs, or 0 for none.
  @usableFromInline
  static func switchJobs(from last: UInt, to next: UInt, in lane: UInt32) {
    let now = MonotonicTime.now
    // A pool's thread that leaves the lane may run other tasks next.
    gearbox_set_lane(next == 0 ? 0 : lane)
    if last != 0 { record(last)?.endJob(in: lane, at: now) }
    if next != 0 { record(next)?.beginJob(in: lane, at: now) }
  }

  // MARK: For a watch

  /// All tasks that are known, in the order in which they were started.
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

  /// The allocator puts tasks at multiples of 16, and of larger powers of two as often as not.
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
