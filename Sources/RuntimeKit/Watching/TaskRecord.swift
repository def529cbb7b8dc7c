import Glibc
import Runtime
import RuntimePrimitives

/// What is known of a task that was started while tasks were watched.
///
/// A job is one stretch in which a thread runs the task. A task can be made ready while the thread that ran it last is
/// still about to leave it, and even be run by another thread by then. So the end of a job says which lane it was in.
@usableFromInline
package final class TaskRecord: Sendable {
  /// What a task has said that it waits for.
  enum Wait {
    case socket(IOError.Operation, Int32)
    case sleep(until: Int64)
    case blockingWork
  }

  private struct State {
    /// The number of the lane in which the task runs: 0 if it is not in one, as on Swift's pool; `nil` if it does not run.
    var lane: UInt32?
    var isReady = true
    /// What it is about to wait for, or waits for.
    var wait: Wait?
    /// Since when that has been so.
    var since: Int64
    /// When its job began, while it runs.
    var jobStart: Int64 = 0
    var busyTime: Int64 = 0
    var longestJob: Int64 = 0
    var jobs = 0
    var wakes = 0
  }

  let id: UInt64
  private let options: TaskOptions
  private let birth: Int64
  private let state: Lock<State>

  /// The record of a task that is about to be started with `options`.
  init(id: UInt64, _ options: TaskOptions) {
    self.id = id
    self.options = options
    birth = MonotonicTime.now
    state = Lock(State(since: birth))
  }

  /// Notes that the task has been made ready to go on.
  func wake(at now: Int64) {
    state.withLock { state in
      state.isReady = true
      state.wait = nil
      state.wakes += 1
      if state.lane == nil { state.since = now }
    }
  }

  /// Notes that a thread in `lane` begins to run the task.
  func beginJob(in lane: UInt32, at now: Int64) {
    state.withLock { state in
      state.lane = lane
      state.isReady = false
      state.wait = nil
      state.jobs += 1
      (state.since, state.jobStart) = (now, now)
    }
  }

  /// Notes that the thread in `lane` has left the task, unless another one runs it by now.
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

  /// Notes what the task is about to wait for; `nil` if it does not wait after all.
  func note(_ wait: Wait?) { state.withLock { $0.wait = wait } }

  /// What is known of the task.
  ///
  /// - Parameter activity: what the task says that it does.
  func snapshot(at now: Int64, activity: String?) -> TaskSnapshot {
    let state = state.withLock(\.self)
    var snapshot = TaskSnapshot(id: id, name: options.name, location: options.location.map { "\($0)" })
    snapshot.activity = activity
    snapshot.age = .nanoseconds(now - birth)
    snapshot.stateAge = .nanoseconds(max(0, now - state.since))
    snapshot.busyTime = .nanoseconds(state.busyTime)
    snapshot.longestJob = .nanoseconds(state.longestJob)
    snapshot.jobs = state.jobs
    snapshot.wakes = state.wakes
    if let wait = state.wait, state.lane ?? 0 == 0 {
      // Outside of lanes jobs have no end that shows, and what is waited for is all there is to know.
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
  /// The same for people, with the addresses that it has just now.
  fileprivate func description(at now: Int64) -> TaskWait {
    switch self {
    case .socket(let operation, let number): TaskWait(.io(operation), for: Self.name(ofSocket: number, operation))
    case .sleep(let deadline): TaskWait(.sleep, for: "\(max(0, deadline - now) / 1_000_000) ms from now")
    case .blockingWork: TaskWait(.blockingWork)
    }
  }

  /// The peer's address, or this end's where there is no peer. If the descriptor has been closed since, it may be another
  /// file's by now: the next snapshot is right.
  private static func name(ofSocket number: Int32, _ operation: IOError.Operation) -> String {
    let peer = SocketAddress(writtenBy: { getpeername(number, $0, $1) })
    let address = peer ?? SocketAddress(writtenBy: { getsockname(number, $0, $1) })
    return address.map { "\($0)" } ?? "descriptor \(number)"
  }
}
