import Glibc
import Runtime
import RuntimePrimitives

/// The record of a watched task.
///
/// A job is one stretch in which a thread runs the task. A task can be made ready, and even run by another thread,
/// before the previous thread has recorded the end of its job. Therefore the end of a job states its lane.
@usableFromInline
package final class TaskRecord: Sendable {
  /// What a task has announced to wait for.
  enum Wait {
    case socket(IOError.Operation, Int32)
    case sleep(until: Int64)
    case blockingWork
  }

  private struct State {
    /// The number of the lane in which the task runs: 0 if it runs outside lanes, as on Swift's pool; `nil` if it does
    /// not run.
    var lane: UInt32?
    var isReady = true
    /// The announced wait, if any.
    var wait: Wait?
    /// The time of the last change of state.
    var since: Int64
    /// The start of the current job.
    var jobStart: Int64 = 0
    var busyTime: Int64 = 0
    var longestJob: Int64 = 0
    var jobs = 0
    var wakes = 0
  }

  let id: UInt64
  private let options: TaskOptions
  private let creationTime: Int64
  private let state: Lock<State>

  /// Creates the record of a task that is about to be started with `options`.
  init(id: UInt64, _ options: TaskOptions) {
    self.id = id
    self.options = options
    creationTime = MonotonicTime.now
    state = Lock(State(since: creationTime))
  }

  /// Records that the task has been made ready.
  func recordWake(at now: Int64) {
    state.withLock { state in
      state.isReady = true
      state.wait = nil
      state.wakes += 1
      if state.lane == nil { state.since = now }
    }
  }

  /// Records that a thread in `lane` begins to run the task.
  func beginJob(in lane: UInt32, at now: Int64) {
    state.withLock { state in
      state.lane = lane
      state.isReady = false
      state.wait = nil
      state.jobs += 1
      (state.since, state.jobStart) = (now, now)
    }
  }

  /// Records that the thread in `lane` has stopped running the task, unless another thread already runs it.
  func endJob(in lane: UInt32, at now: Int64) {
    state.withLock { state in
      guard state.lane == lane else { return }
      let length = now - state.jobStart
      state.busyTime += length
      state.longestJob = max(state.longestJob, length)
      state.lane = nil
      state.since = now
    }
  }

  /// Records what the task is about to wait for; `nil` if it does not wait after all.
  func recordWait(_ wait: Wait?) { state.withLock { $0.wait = wait } }

  /// Returns a snapshot of the task.
  ///
  /// - Parameter activity: the activity that the task reports.
  func snapshot(at now: Int64, activity: String?) -> TaskSnapshot {
    let state = state.withLock(\.self)
    var snapshot = TaskSnapshot(id: id, name: options.name, location: options.location.map { "\($0)" })
    snapshot.activity = activity
    snapshot.age = .nanoseconds(now - creationTime)
    snapshot.stateAge = .nanoseconds(max(0, now - state.since))
    snapshot.busyTime = .nanoseconds(state.busyTime)
    snapshot.longestJob = .nanoseconds(state.longestJob)
    snapshot.jobs = state.jobs
    snapshot.wakes = state.wakes
    if let wait = state.wait, state.lane ?? 0 == 0 {
      // Outside lanes the end of a job is not recorded, so the wait is the best information.
      snapshot.state = .waiting(wait.description(at: now))
    } else if let number = state.lane {
      let length = max(0, now - state.jobStart)
      snapshot.busyTime += .nanoseconds(length)
      snapshot.longestJob = max(snapshot.longestJob, .nanoseconds(length))
      snapshot.state = .running(worker: LaneNames.name(of: number))
    } else {
      snapshot.state = state.isReady ? .ready : .suspended
    }
    return snapshot
  }
}

extension TaskRecord.Wait {
  /// Returns the wait in a form for people, with current addresses.
  fileprivate func description(at now: Int64) -> TaskWait {
    switch self {
    case .socket(let operation, let number): TaskWait(.io(operation), for: Self.name(ofSocket: number, operation))
    case .sleep(let deadline): TaskWait(.sleep, for: "\(max(0, deadline - now) / 1_000_000) ms from now")
    case .blockingWork: TaskWait(.blockingWork)
    }
  }

  /// Returns the peer's address, or the local address if there is no peer. If the descriptor has been closed and
  /// reused, the address is another file's; the next snapshot corrects that.
  private static func name(ofSocket number: Int32, _ operation: IOError.Operation) -> String {
    let peer = SocketAddress(writtenBy: { getpeername(number, $0, $1) })
    let address = peer ?? SocketAddress(writtenBy: { getsockname(number, $0, $1) })
    return address.map { "\($0)" } ?? "descriptor \(number)"
  }
}
