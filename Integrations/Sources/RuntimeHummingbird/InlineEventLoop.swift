import Dispatch
import Glibc
import NIOCore
import Synchronization

/// An event loop without a thread: tasks run one at a time and in order, on the threads that submit them.
///
/// It serves the channels of ``EngineChannel``, on which little happens. It has no timers.
final class InlineEventLoop: EventLoop {
  private struct State {
    var tasks: [@Sendable () -> Void] = []
    /// The number of tasks submitted so far.
    var count = 0
    /// The thread that is running tasks.
    var thread: pthread_t?
  }

  private let state = Mutex(State())

  /// The number of tasks submitted so far.
  var taskCount: Int { state.withLock(\.count) }

  var inEventLoop: Bool { state.withLock { $0.thread == pthread_self() } }

  func execute(_ task: @escaping @Sendable () -> Void) {
    let isFirst = state.withLock { state in
      state.tasks.append(task)
      state.count += 1
      guard state.thread == nil else { return false }
      state.thread = pthread_self()
      return true
    }
    guard isFirst else { return }
    while let task = next() { task() }
  }

  /// Returns the next task. If there is none, releases the loop.
  private func next() -> (@Sendable () -> Void)? {
    state.withLock { state in
      if state.tasks.isEmpty {
        state.thread = nil
        return nil
      }
      return state.tasks.removeFirst()
    }
  }

  func submit<T>(_ task: @escaping @Sendable () throws -> T) -> EventLoopFuture<T> {
    let promise = makePromise(of: T.self)
    execute { promise.assumeIsolatedUnsafeUnchecked().completeWith(Result(catching: task)) }
    return promise.futureResult
  }

  func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
    let promise = makePromise(of: T.self)
    promise.fail(EngineOwnsConnection(what: "scheduling a task on its event loop"))
    return Scheduled(promise: promise, cancellationTask: {})
  }

  func scheduleTask<T>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
    scheduleTask(deadline: .now() + delay, task)
  }

  func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
    queue.async { callback(EngineOwnsConnection(what: "ending its event loop")) }
  }
}
