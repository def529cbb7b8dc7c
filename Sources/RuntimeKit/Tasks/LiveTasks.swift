import CRuntime
public import Runtime
import RuntimePrimitives
public import Synchronization

/// Tracks the tasks that were started on a runtime and have not ended, so that a shutdown can wait for them.
///
/// A task that calls `shutdown` is *exempt*: it cannot end before the shutdown does, so it is not waited for.
///
/// It is inlinable, so that the closure around a task is specialised for its result and starting a task costs no more
/// than necessary.
@usableFromInline
package final class LiveTasks: Sendable {
  @usableFromInline let liveCount = Atomic<Int>(0)
  /// Whether a thread waits, so that the end of a task can skip the lock.
  private let isAwaited = Atomic(false)
  private let waiting = Monitor(Waiting())

  private struct Waiting {
    /// The tasks that are not waited for.
    var exempt: [SpawnedTask] = []
    var isOver = false
  }

  package init() {}

  package var count: Int { liveCount.load(ordering: .relaxed) }

  /// Starts `operation` as a tracked task on `executor`, or with `nil` on Swift's own pool.
  @inlinable
  package func spawn<Success: Sendable>(
    on executor: (any TaskExecutor)?, _ options: TaskOptions,
    _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    liveCount.add(1, ordering: .relaxed)
    let task = Spawned(self, isNamed: options.name != nil, TaskTable.makeRecord(options), operation)
    if options.inheritsTaskLocals {
      return Task(name: options.name, executorPreference: executor, priority: options.ownPriority) {
        task.didStart()
        defer { task.willEnd() }
        guard let operation = task.takeOperation() else { throw CancellationError() }  // The closure runs once.
        return try await operation()
      }
    }
    // The closure captures a single reference, which serves as its context, so it needs no allocation of its own.
    return Task.detached(name: options.name, executorPreference: executor, priority: options.priority) {
      task.didStart()
      defer { task.willEnd() }
      guard let operation = task.takeOperation() else { throw CancellationError() }  // The closure runs once.
      return try await operation()
    }
  }

  /// Exempts the calling task if it belongs to this runtime, or the task that started it with `Task { }`, which may be
  /// waiting for it. A task that only prefers the runtime's executor is not tracked.
  package func exemptCaller() {
    guard let task = SpawnedTask.current.get(), task.tasks === self else { return }
    waiting.withLock { waiting in
      guard !waiting.isOver, !waiting.exempt.contains(where: { $0 === task }) else { return }
      waiting.exempt.append(task)
    }
    waiting.notifyAll()
  }

  fileprivate func recordEnd(of task: SpawnedTask) {
    // Before the count decreases: a task that has ended must not pass for one that is exempt and still counted.
    task.isOver.store(true, ordering: .releasing)
    // Sequentially consistent, as in `wait`: either this thread sees that another waits, or that one sees the new
    // count.
    liveCount.subtract(1, ordering: .sequentiallyConsistent)
    if isAwaited.load(ordering: .sequentiallyConsistent) { waiting.withLock { _ in waiting.notifyAll() } }
  }

  /// Blocks the calling thread until all tasks that are not exempt have ended, or `deadline` has passed.
  package func wait(until deadline: Int64) {
    isAwaited.store(true, ordering: .sequentiallyConsistent)
    waiting.wait(until: deadline) { waiting, isLate -> Void? in
      let live = liveCount.load(ordering: .sequentiallyConsistent)
      // Read after the count: a task sets `isOver` before it leaves the count.
      waiting.exempt.removeAll { $0.isOver.load(ordering: .acquiring) }
      guard isLate || live <= waiting.exempt.count else { return nil }
      waiting.exempt = []
      waiting.isOver = true
      return ()
    }
  }
}

/// A task that was started on a runtime, visible to itself, its children and the tasks it starts with `Task { }`.
@usableFromInline
package class SpawnedTask: @unchecked Sendable {  // All unsynchronised state is in its only subclass.
  /// The runtime's task to which the calling task belongs, wherever it runs.
  fileprivate static let current = TaskLocal<SpawnedTask?>(wrappedValue: nil)

  @usableFromInline let tasks: LiveTasks
  @usableFromInline let isOver = Atomic(false)
  @usableFromInline let isNamed: Bool
  /// Its record, if tasks are watched.
  @usableFromInline let record: TaskRecord?

  @inlinable
  init(_ tasks: LiveTasks, isNamed: Bool, _ record: TaskRecord?) {
    self.tasks = tasks
    self.isNamed = isNamed
    self.record = record
  }

  /// Makes this the value of the task-local `current`. The task calls it first.
  ///
  /// It does the same as `TaskLocal.withValue`. That would be an asynchronous function around the operation, with whose
  /// frame the state of a waiting connection would exceed the first kilobyte that Swift allocates for a task.
  @usableFromInline
  func didStart() {
    if isNamed { TaskNames.recordCurrent() }
    if let record { TaskTable.taskDidStart(record) }
    var reference = Unmanaged.passRetained(self).toOpaque()
    // As in the standard library, the key is the object. An optional class reference is a single pointer.
    gearbox_push_task_local(
      Unmanaged.passUnretained(Self.current).toOpaque(), &reference,
      unsafeBitCast(SpawnedTask?.self, to: UnsafeRawPointer.self))
  }

  /// Reverts ``didStart()``. The task calls it last.
  @usableFromInline
  func willEnd() {
    gearbox_pop_task_local()
    if isNamed { TaskNames.removeCurrent() }
    if let record { TaskTable.taskWillEnd(record) }
    tasks.recordEnd(of: self)
  }
}

/// A task that was started on a runtime, with its operation.
@usableFromInline
final class Spawned<Success: Sendable>: SpawnedTask, @unchecked Sendable {  // Only the task accesses `operation`.
  /// The operation; `nil` once it has begun, so that a `Task { }` that outlives this task does not retain it.
  @exclusivity(unchecked)
  @usableFromInline var operation: (() async throws -> Success)?

  @inlinable
  init(
    _ tasks: LiveTasks, isNamed: Bool, _ record: TaskRecord?, _ operation: sending @escaping () async throws -> Success
  ) {
    self.operation = operation
    super.init(tasks, isNamed: isNamed, record)
  }

  @inlinable
  func takeOperation() -> (() async throws -> Success)? { exchange(&operation, with: nil) }
}
