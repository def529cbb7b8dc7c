public import Synchronization

/// Counts the tasks that were started on a runtime and have not ended, so that a shutdown can wait for them.
///
/// Inlinable, so that starting a task costs no more than it must: the closure around it is compiled for what it returns.
@usableFromInline
package final class LiveTasks: Sendable {
  @usableFromInline let live = Atomic<Int>(0)
  /// Whether somebody waits, so that a task's end need not take a lock to know.
  private let isAwaited = Atomic(false)
  /// A value though none is needed: ThreadSanitizer takes one without a size for its neighbour.
  private let change = Monitor(false)

  package init() {}

  package var count: Int { live.load(ordering: .relaxed) }

  /// Whose task this is, in tasks that prefer no executor and so cannot be told by the thread they are on.
  @TaskLocal private static var home: LiveTasks?

  /// Whether the calling task, which prefers no executor, or a task around it was started here.
  package var isWithin: Bool { Self.home === self }

  /// Starts `operation` as a task that counts.
  @inlinable
  package func spawn<Success: Sendable>(
    on executor: any TaskExecutor, _ operation: sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    live.add(1, ordering: .relaxed)
    return Task.detached(executorPreference: executor) {
      defer { self.ended() }
      return try await operation()
    }
  }

  /// Starts `operation` as a task that counts, on Swift's own pool.
  package func spawn<Success: Sendable>(
    _ operation: sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    live.add(1, ordering: .relaxed)
    return Task.detached {
      defer { self.ended() }
      return try await Self.$home.withValue(self, operation: operation)
    }
  }

  @usableFromInline
  func ended() {
    // Sequentially consistent, as in `wait`: either this sees that somebody waits or that one sees the new count.
    live.subtract(1, ordering: .sequentiallyConsistent)
    if isAwaited.load(ordering: .sequentiallyConsistent) { change.withLock { _ in change.notifyAll() } }
  }

  /// Blocks the calling thread until no more than `rest` tasks are left or `deadline` has passed.
  package func wait(untilAtMost rest: Int, deadline: Int64) {
    isAwaited.store(true, ordering: .sequentiallyConsistent)
    change.wait(until: deadline) { _, isLate in
      isLate || live.load(ordering: .sequentiallyConsistent) <= rest ? () : nil
    }
  }
}
