import CRuntime
public import Runtime
import RuntimePrimitives
public import Synchronization

/// Counts the tasks that were started on a runtime and have not ended, so that a shutdown can wait for them.
///
/// A task that calls for the shutdown is *excused*: it cannot end before the shutdown has, so it is not waited for.
///
/// Inlinable, so that starting a task costs no more than it must: the closure around it is compiled for what it returns.
@usableFromInline
package final class LiveTasks: Sendable {
  @usableFromInline let live = Atomic<Int>(0)
  /// Whether a thread waits, so that a task's end need not take a lock to know.
  private let isAwaited = Atomic(false)
  private let waiting = Monitor(Waiting())

  private struct Waiting {
    /// The tasks that are not waited for.
    var excused: [SpawnedTask] = []
    var isOver = false
  }

  package init() {}

  package var count: Int { live.load(ordering: .relaxed) }

  /// Starts `operation` as a task that counts, on `executor` or, with `nil`, on Swift's own pool.
  @inlinable
  package func spawn<Success: Sendable>(
    on executor: (any TaskExecutor)?, _ options: TaskOptions,
    _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    live.add(1, ordering: .relaxed)
    let task = Spawned(self, isNamed: options.name != nil, TaskTable.newRecord(options), operation)
    if options.inheritsTaskLocals {
      return Task(name: options.name, executorPreference: executor, priority: options.ownPriority) {
        task.begin()
        defer { task.end() }
        guard let operation = task.takeOperation() else { throw CancellationError() }  // It is run once.
        return try await operation()
      }
    }
    // It captures one reference, which serves as its context: no more is allocated than for a closure with two.
    return Task.detached(name: options.name, executorPreference: executor, priority: options.priority) {
      task.begin()
      defer { task.end() }
      guard let operation = task.takeOperation() else { throw CancellationError() }  // It is run once.
      return try await operation()
    }
  }

  /// Excuses the task of this runtime that calls, or one that started the calling task with `Task { }` and may be waiting
  /// for it. A task that only prefers the runtime's executor is none of them.
  package func excuseCaller() {
    guard let task = SpawnedTask.current.get(), task.tasks === self else { return }
    waiting.withLock { waiting in
      guard !waiting.isOver, !waiting.excused.contains(where: { $0 === task }) else { return }
      waiting.excused.append(task)
    }
    waiting.notifyAll()
  }

  fileprivate func ended(_ task: SpawnedTask) {
    // Before the count goes down: a task that is over must not be taken for one that is excused and still counted.
    task.isOver.store(true, ordering: .releasing)
    // Sequentially consistent, as in `wait`: either this sees that a thread waits or that one sees the new count.
    live.subtract(1, ordering: .sequentiallyConsistent)
    if isAwaited.load(ordering: .sequentiallyConsistent) { waiting.withLock { _ in waiting.notifyAll() } }
  }

  /// Blocks the calling thread until all tasks have ended that are not excused, or `deadline` has passed.
  package func wait(until deadline: Int64) {
    isAwaited.store(true, ordering: .sequentiallyConsistent)
    waiting.wait(until: deadline) { waiting, isLate -> Void? in
      let live = live.load(ordering: .sequentiallyConsistent)
      // Looked at after the count, which a task that is over has not left before it says so.
      waiting.excused.removeAll { $0.isOver.load(ordering: .acquiring) }
      guard isLate || live <= waiting.excused.count else { return nil }
      waiting.excused = []
      waiting.isOver = true
      return ()
    }
  }
}

/// A task that was started on a runtime, as it is known to itself, to its children and to what it starts with `Task { }`.
@usableFromInline
package class SpawnedTask: @unchecked Sendable {  // What there is to it is in the one class that inherits it.
  /// Whose task the calling one is, wherever it runs just now.
  fileprivate static let current = TaskLocal<SpawnedTask?>(wrappedValue: nil)

  @usableFromInline let tasks: LiveTasks
  @usableFromInline let isOver = Atomic(false)
  @usableFromInline let isNamed: Bool
  /// Its record, where tasks are watched.
  @usableFromInline let record: TaskRecord?

  @inlinable
  init(_ tasks: LiveTasks, isNamed: Bool, _ record: TaskRecord?) {
    self.tasks = tasks
    self.isNamed = isNamed
    self.record = record
  }

  /// Makes this the current task's. The task calls it before it does anything else.
  ///
  /// It does what `TaskLocal.withValue` does, which would be an asynchronous function around the operation: with its frame,
  /// what a connection waits with would not fit into the one kilobyte that Swift gives a task first.
  @usableFromInline
  func begin() {
    if isNamed { TaskNames.keep() }
    if let record { TaskTable.begin(record) }
    var reference = Unmanaged.passRetained(self).toOpaque()
    // The key is the object, as in the standard library, and an optional of a class is one pointer.
    gearbox_push_task_local(
      Unmanaged.passUnretained(Self.current).toOpaque(), &reference,
      unsafeBitCast(SpawnedTask?.self, to: UnsafeRawPointer.self))
  }

  /// Undoes ``begin()``. The task calls it after everything else.
  @usableFromInline
  func end() {
    gearbox_pop_task_local()
    if isNamed { TaskNames.forget() }
    if let record { TaskTable.end(record) }
    tasks.ended(self)
  }
}

/// A task that was started on a runtime, and what it is to do.
@usableFromInline
final class Spawned<Success: Sendable>: SpawnedTask, @unchecked Sendable {  // `operation` is touched by the task alone.
  /// `nil` once it has begun: a `Task { }` that outlives this task must not keep what this one was to do.
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
