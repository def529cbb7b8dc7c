import CRuntime
import Glibc
import RuntimePrimitives

/// The calling thread as a task executor, for as long as it waits for one task.
///
/// It runs the jobs of that task, so that waiting needs no other thread. If it is the main thread, it runs the main
/// actor's jobs too, and whatever else is on Dispatch's main queue: they would wait for ever otherwise.
package final class BlockedThread: TaskExecutor {
  private let jobs = Monitor(Ring<UnownedJob>())
  /// What poll(2) tells of work on the main queue; `nil` on any other thread.
  private let mainQueue: Int32?

  /// - Throws: what the system says if there is no descriptor for the main queue.
  static func current() throws(IOError) -> BlockedThread {
    guard gearbox_is_main_thread() else { return BlockedThread(mainQueue: nil) }
    let handle = gearbox_main_queue_handle()
    if handle < 0, errno != ENOSYS { throw IOError(.poll, .system(errno)) }
    return BlockedThread(mainQueue: handle < 0 ? nil : handle)
  }

  /// - Parameter mainQueue: the main queue's descriptor if the main actor's jobs are to be run.
  package init(mainQueue: Int32?) {
    self.mainQueue = mainQueue
  }

  /// Runs `operation` as a task on the calling thread, and returns what it returns.
  package func run<Success: Sendable>(_ operation: sending @escaping () async -> Success) -> Success {
    let outcome = Monitor<Success?>(nil)
    Task.detached(executorPreference: self) {
      let result = await operation()
      // Set on this thread, between two looks at it.
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
      // As Dispatch does for work on the queue. It cannot fail before 2^64 have not been read.
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
      // Taken down before the queues are looked at: what comes after that makes it readable again.
      var count: eventfd_t = 0
      eventfd_read(mainQueue, &count)
    }
  }
}
