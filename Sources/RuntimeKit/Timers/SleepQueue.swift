import CRuntime
import Dispatch
import Runtime
import RuntimePrimitives

/// Tasks that sleep until a time: a timer wheel behind a lock (Varghese and Lauck 1987).
///
/// It has no thread. A thread of the backend calls ``fire()`` at the time that the last call named, or when the queue asks
/// for it because an earlier deadline has come. Deadlines are in nanoseconds of `MonotonicTime`. Any thread may call any
/// method.
public final class SleepQueue: Sendable {
  private let state: Lock<State>
  /// Called on the sleeper's thread when there is a deadline before the one that `fire` named: to call `fire` again, soon.
  private let deadlineMoved: @Sendable (SleepQueue) -> Void

  private struct State: ~Copyable {
    var wheel: TimerWheel
    /// The tick at which `fire` will be called, or `max`.
    var alarm = UInt64.max
    var isClosed = false
    /// When Dispatch will call, once the queue is closed, in nanoseconds of the monotonic clock, or `max`.
    var dispatchTime = Int64.max
  }

  /// A task, or a bare job, to be woken.
  private final class Sleeper: TimerWheel.Timer, @unchecked Sendable {  // Only touched under the queue's lock.
    /// The queue that it is in, which outlives it: a task that sleeps holds the queue, and the queue its jobs.
    unowned(unsafe) let queue: SleepQueue
    var wake: Wake
    /// Whether its task has been cancelled, perhaps before it began to sleep.
    var isCancelled = false

    init(_ queue: SleepQueue, _ wake: Wake) {
      self.queue = queue
      self.wake = wake
    }

    /// Ends its sleep, or keeps it from beginning. Not under the queue's lock.
    func cancel() { queue.cancel(self) }
  }

  private enum Wake {
    /// Nothing yet.
    case none
    /// Resumed with whether its time had come.
    case task(UnsafeContinuation<Bool, Never>)
    /// Run where the time is noticed.
    case job(UnownedJob)
  }

  /// An empty queue.
  ///
  /// - Parameter deadlineMoved: called on the thread of a task that begins to sleep, when its deadline is before the one
  ///   that ``fire()`` named last. It has `fire` called again soon, and does not call it itself.
  public init(deadlineMoved: @escaping @Sendable (SleepQueue) -> Void) {
    state = Lock(State(wheel: TimerWheel(now: Self.tick(MonotonicTime.now))))
    self.deadlineMoved = deadlineMoved
  }

  /// How many tasks and jobs wait.
  public var count: Int { state.withLock { $0.wheel.count } }

  /// Suspends the task until `deadline`.
  ///
  /// - Throws: `CancellationError` at once when the task is cancelled or the queue is closed.
  public func sleep(until deadline: Int64) async throws(CancellationError) {
    let sleeper = Sleeper(self, .none)
    // `withTaskCancellationHandler` is generic and takes a frame, for which the first slab of a task has no room.
    let watch = gearbox_watch_cancellation(
      { Unmanaged<Sleeper>.fromOpaque($0).takeUnretainedValue().cancel() },
      Unmanaged.passUnretained(sleeper).toOpaque())
    let isDue = await suspendTask { (continuation: UnsafeContinuation<Bool, Never>) in
      TaskTable.willWait(for: .sleep(until: deadline))
      if !schedule(sleeper, .task(continuation), at: deadline) { continuation.resume(returning: false) }
    }
    withExtendedLifetime(sleeper) { gearbox_unwatch_cancellation(watch) }
    guard isDue else { throw CancellationError() }
  }

  /// Runs `job` at `deadline`, also when the queue has been closed by then: a job
  /// cannot be told that it came in vain.
  ///
  /// It is what `Task.sleep` has made: a job of no executor's that wakes the task which sleeps, and does nothing else. So
  /// it is run where its time is noticed. Queued with the jobs of a task executor it would be handed on to Swift's own
  /// pool, as it prefers no executor.
  public func run(_ job: UnownedJob, at deadline: Int64) {
    _ = schedule(Sleeper(self, .none), .job(job), at: deadline)
  }

  /// Takes `sleeper` in, to be woken by `wake`.
  ///
  /// - Returns: whether it has been; a task is not if it has been cancelled, or if the queue is closed.
  private func schedule(_ sleeper: Sleeper, _ wake: Wake, at deadline: Int64) -> Bool {
    let tick = Self.tick(roundingUp: deadline)
    let (isTaken, isSooner, isClosed) = state.withLock { state in
      if case .task = wake, state.isClosed || sleeper.isCancelled { return (false, false, state.isClosed) }
      sleeper.wake = wake
      state.wheel.insert(sleeper, at: tick)
      let isSooner = tick < state.alarm
      state.alarm = min(state.alarm, tick)
      return (true, isSooner, state.isClosed)
    }
    if isSooner { isClosed ? fireByDispatch() : deadlineMoved(self) }
    return isTaken
  }

  private func cancel(_ sleeper: Sleeper) {
    let wake = state.withLock { state in
      sleeper.isCancelled = true
      return state.wheel.remove(sleeper) ? sleeper.wake : .none
    }
    if case .task(let continuation) = wake { continuation.resume(returning: false) }
  }

  /// Wakes the tasks whose time has come.
  ///
  /// - Returns: when to call again; `nil` if none waits.
  public func fire() -> Int64? {
    var due: [Wake] = []
    let next = state.withLock { state in
      if let first = state.wheel.nextTick {
        let now = Self.tick(MonotonicTime.now)
        if first <= now { state.wheel.advance(to: now) { if let it = $0 as? Sleeper { due.append(it.wake) } } }
      }
      state.alarm = state.wheel.nextTick ?? .max
      return state.alarm
    }
    // Outside the lock, since what is woken may sleep again on this thread.
    for wake in due { Self.rouse(wake) }
    return next == .max ? nil : Self.time(next)
  }

  /// Ends the sleeps of tasks, and those that are tried later, with `CancellationError`. Jobs keep their time: Dispatch
  /// calls `fire` for them from now on.
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

  /// Wakes all whose time has come, and has Dispatch call again when the next is due, unless it will by then anyway.
  private func fireByDispatch() {
    guard let next = fire() else { return }
    let isSooner = state.withLock { state in
      let isSooner = next < state.dispatchTime
      state.dispatchTime = min(state.dispatchTime, next)
      return isSooner
    }
    guard isSooner else { return }
    DispatchQueue.global().asyncAfter(deadline: DispatchTime(uptimeNanoseconds: UInt64(clamping: next))) {
      // Unless a sooner call has been asked for meanwhile, which goes on from there.
      self.state.withLock { state in if state.dispatchTime == next { state.dispatchTime = .max } }
      self.fireByDispatch()
    }
  }

  private static func rouse(_ wake: Wake) {
    switch wake {
    case .none: break
    case .task(let continuation): continuation.resume(returning: true)
    case .job(let job): unsafe job.runSynchronously(on: SwiftPool.executor)
    }
  }

  // A tick is a millisecond of the monotonic clock. Deadlines are rounded up and now is rounded down: never early.

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
