import CRuntime
import Glibc
import RuntimePrimitives

/// A task executor on the calling thread, for the time that the thread waits for one task.
///
/// The thread runs the jobs of that task, so waiting needs no second thread. If it is the main thread, it also runs the
/// main actor's jobs and other work on Dispatch's main queue, which would otherwise wait forever.
package final class BlockedThread: TaskExecutor {
  private let jobs = Monitor(Ring<UnownedJob>())
  /// The descriptor that signals work on the main queue; `nil` on any other thread.
  private let mainQueue: Int32?

  /// Returns an executor for the calling thread.
  ///
  /// - Throws: the system's error if there is no descriptor for the main queue.
  static func current() throws(IOError) -> BlockedThread {
    guard gearbox_is_main_thread() else { return BlockedThread(mainQueue: nil) }
    let handle = gearbox_main_queue_handle()
    if handle < 0, errno != ENOSYS { throw IOError(.poll, .system(errno)) }
    return BlockedThread(mainQueue: handle < 0 ? nil : handle)
  }

  /// Creates an executor.
  ///
  /// - Parameter mainQueue: the main queue's descriptor, if the main actor's jobs are to be run.
  package init(mainQueue: Int32?) {
    self.mainQueue = mainQueue
  }

  /// Runs `operation` as a task on the calling thread, and returns its result.
  package func run<Success: Sendable>(_ operation: sending @escaping () async -> Success) -> Success {
    let outcome = Monitor<Success?>(nil)
    Task.detached(executorPreference: self) {
      let result = await operation()
      // Set on this thread, between two checks of the loop below.
      outcome.withLock { $0 = result }
    }
    while true {
      if let result = outcome.withLock({ $0 }) { return result }
      unsafe nextJob().runSynchronously(on: asUnownedTaskExecutor())
    }
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
    if let mainQueue {
      // This is how Dispatch signals work on the queue. It can fail only if the counter reaches 2^64 without a read.
      eventfd_write(mainQueue, 1)
    } else {
      jobs.notifyOne()
    }
  }

  private func nextJob() -> UnownedJob {
    guard let mainQueue else { return jobs.wait { jobs, _ in jobs.popFirst() } }
    while true {
      gearbox_drain_main_queue()
      if let job = jobs.withLock({ $0.popFirst() }) { return job }
      var descriptor = pollfd(fd: mainQueue, events: Int16(POLLIN), revents: 0)
      poll(&descriptor, 1, -1)
      // The counter is reset before the queues are checked: work that arrives later makes it readable again.
      var count: eventfd_t = 0
      eventfd_read(mainQueue, &count)
    }
  }
}
