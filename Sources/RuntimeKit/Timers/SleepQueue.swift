import Dispatch
import Runtime
import RuntimePrimitives

/// A queue of sleeping tasks: a timer wheel behind a lock (Varghese and Lauck 1987).
///
/// It has no thread. A thread of the backend calls ``fire()`` at the time that the last call returned, or when the
/// queue requests it because of an earlier deadline. Deadlines are in nanoseconds of `MonotonicTime`. Any thread may
/// call any method.
public final class SleepQueue: Sendable {
  private let state: Lock<State>
  /// Called on the sleeper's thread when a deadline precedes the time that `fire` returned, to call `fire` again soon.
  private let deadlineMoved: @Sendable (SleepQueue) -> Void

  private struct State: ~Copyable {
    var wheel: TimerWheel
    /// The tick at which `fire` is due, or `max`.
    var nextFireTick = UInt64.max
    var isClosed = false
    /// When Dispatch is due to call, once the queue is closed, in nanoseconds of the monotonic clock, or `max`.
    var dispatchTime = Int64.max
  }

  /// A sleeping task, or a job to run at a time.
  private final class Sleeper: TimerWheel.Timer, @unchecked Sendable {  // Guarded by the queue's lock.
    /// The queue, which outlives the sleeper: a sleeping task holds the queue, and the queue holds its jobs.
    unowned(unsafe) let queue: SleepQueue
    var wake: Wake
    /// Whether its task has been cancelled, possibly before it began to sleep.
    var isCancelled = false

    init(_ queue: SleepQueue, _ wake: Wake) {
      self.queue = queue
      self.wake = wake
    }

    /// Ends the sleep, or prevents it from beginning. Must be called without the queue's lock.
    func cancel() { queue.cancel(self) }
  }

  private enum Wake {
    /// Not sleeping yet.
    case none
    /// Resumes the task, with whether its time has come.
    case task(UnsafeContinuation<Bool, Never>)
    /// Runs the job on the thread that fires it.
    case job(UnownedJob)
  }

  /// Creates an empty queue.
  ///
  /// - Parameter deadlineMoved: called on the thread of a task that begins to sleep, if its deadline precedes the time
  ///   that ``fire()`` last returned. It must arrange another call of `fire` soon, without calling it directly.
  public init(deadlineMoved: @escaping @Sendable (SleepQueue) -> Void) {
    state = Lock(State(wheel: TimerWheel(now: Self.tick(MonotonicTime.now))))
    self.deadlineMoved = deadlineMoved
  }

  /// The number of sleeping tasks and jobs.
  public var count: Int { state.withLock { $0.wheel.count } }

  /// Suspends the task until `deadline`.
  ///
  /// - Throws: `CancellationError` at once if the task is cancelled or the queue is closed.
  public func sleep(until deadline: Int64) async throws(CancellationError) {
    let sleeper = Sleeper(self, .none)
    let watch = CancellationWatch(sleeper) { Unmanaged<Sleeper>.fromOpaque($0).takeUnretainedValue().cancel() }
    let isDue = await suspendTask { (continuation: UnsafeContinuation<Bool, Never>) in
      TaskTable.willWait(for: .sleep(until: deadline))
      if !schedule(sleeper, .task(continuation), at: deadline) { continuation.resume(returning: false) }
    }
    watch.end()
    withExtendedLifetime(sleeper) {}
    guard isDue else { throw CancellationError() }
  }

  /// Runs `job` at `deadline`, even if the queue has been closed by then, since a job cannot be told that its sleep
  /// failed.
  ///
  /// `Task.sleep` creates such a job. It has no executor and only resumes the sleeping task, so it runs on the thread
  /// that fires it. In the queue of a task executor it would be passed on to Swift's own pool, because it has no
  /// executor preference.
  public func run(_ job: UnownedJob, at deadline: Int64) {
    _ = schedule(Sleeper(self, .none), .job(job), at: deadline)
  }

  /// Inserts `sleeper`, to be woken by `wake`.
  ///
  /// - Returns: whether it was inserted; `false` for a task that has been cancelled or if the queue is closed.
  private func schedule(_ sleeper: Sleeper, _ wake: Wake, at deadline: Int64) -> Bool {
    let tick = Self.tick(roundingUp: deadline)
    let (isInserted, isSooner, isClosed) = state.withLock { state in
      if case .task = wake, state.isClosed || sleeper.isCancelled { return (false, false, state.isClosed) }
      sleeper.wake = wake
      state.wheel.insert(sleeper, at: tick)
      let isSooner = tick < state.nextFireTick
      state.nextFireTick = min(state.nextFireTick, tick)
      return (true, isSooner, state.isClosed)
    }
    if isSooner { isClosed ? fireByDispatch() : deadlineMoved(self) }
    return isInserted
  }

  private func cancel(_ sleeper: Sleeper) {
    let wake = state.withLock { state in
      sleeper.isCancelled = true
      return state.wheel.remove(sleeper) ? sleeper.wake : .none
    }
    if case .task(let continuation) = wake { continuation.resume(returning: false) }
  }

  /// Wakes the sleepers whose deadline has passed.
  ///
  /// - Returns: when to call again; `nil` if there are no more sleepers.
  public func fire() -> Int64? {
    var due: [Wake] = []
    let next = state.withLock { state in
      if let first = state.wheel.nextTick {
        let now = Self.tick(MonotonicTime.now)
        if first <= now { state.wheel.advance(to: now) { if let it = $0 as? Sleeper { due.append(it.wake) } } }
      }
      state.nextFireTick = state.wheel.nextTick ?? .max
      return state.nextFireTick
    }
    // Outside the lock, since a task that resumes may sleep again on this thread.
    for wake in due { Self.wakeUp(wake) }
    return next == .max ? nil : Self.time(next)
  }

  /// Ends current and later sleeps of tasks with `CancellationError`. Jobs keep their deadlines: from now on Dispatch
  /// calls `fire` for them.
  public func close() {
    var sleeping: [Sleeper] = []
    state.withLock { state in
      state.isClosed = true
      state.wheel.removeAll { if let it = $0 as? Sleeper { sleeping.append(it) } }
      for sleeper in sleeping {
        if case .job = sleeper.wake { state.wheel.insert(sleeper, at: sleeper.deadline) }
      }
    }
    for sleeper in sleeping {
      if case .task(let continuation) = sleeper.wake { continuation.resume(returning: false) }
    }
    fireByDispatch()
  }

  /// Wakes due sleepers, and makes Dispatch call again at the next deadline, unless an earlier call is pending.
  private func fireByDispatch() {
    guard let next = fire() else { return }
    let isSooner = state.withLock { state in
      let isSooner = next < state.dispatchTime
      state.dispatchTime = min(state.dispatchTime, next)
      return isSooner
    }
    guard isSooner else { return }
    DispatchQueue.global().asyncAfter(deadline: DispatchTime(uptimeNanoseconds: UInt64(clamping: next))) {
      // Unless an earlier call has been requested meanwhile, which takes over.
      self.state.withLock { state in if state.dispatchTime == next { state.dispatchTime = .max } }
      self.fireByDispatch()
    }
  }

  private static func wakeUp(_ wake: Wake) {
    switch wake {
    case .none: break
    case .task(let continuation): continuation.resume(returning: true)
    case .job(let job): unsafe job.runSynchronously(on: SwiftPool.executor)
    }
  }

  // A tick is a millisecond of the monotonic clock. Deadlines are rounded up and the current time is rounded down, so
  // that no sleep ends early.

  private static let nanosecondsPerTick: Int64 = 1_000_000

  private static func tick(_ now: Int64) -> UInt64 { UInt64(now / nanosecondsPerTick) }

  private static func tick(roundingUp deadline: Int64) -> UInt64 {
    deadline <= 0 ? 0 : UInt64((deadline - 1) / nanosecondsPerTick + 1)
  }

  private static func time(_ tick: UInt64) -> Int64 {
    let (time, overflow) = Int64(clamping: tick).multipliedReportingOverflow(by: nanosecondsPerTick)
    return overflow ? .max : time
  }
}
