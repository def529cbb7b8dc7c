import Glibc
import Runtime
import Synchronization

/// One thread that runs jobs, watches sockets and fires timers.
///
/// One lock protects its state, with two rules. A thread that adds something while the loop sleeps calls `ring`, or the
/// loop would sleep on. And no thread resumes a continuation while it holds the lock: that enqueues a job, which takes
/// the lock again.
final class RunLoop: TaskExecutor {
  let state: Mutex<State>
  let isJoined = Mutex(false)

  struct State {
    /// Jobs that are ready to run.
    var jobs: [UnownedJob] = []
    /// The tasks that wait, by what they wait for.
    var waits: [Event: Wait] = [:]
    /// The open sockets, by numbers that are never reused, unlike the numbers of descriptors.
    var sockets: [Int: OpenSocket] = [:]
    var blocking = BlockingWork()
    var ending = Ending()
    var metrics = WorkerMetrics()
    /// Whether the thread sleeps or is about to.
    var isAsleep = false
    /// Two sockets: a byte written to one ends a poll that watches the other.
    let bell: (ring: Int32, hear: Int32)
    private var lastNumber = 0

    init(bell: (Int32, Int32)) { self.bell = bell }

    /// A unique number.
    mutating func nextNumber() -> Int {
      lastNumber += 1
      return lastNumber
    }

    /// Wakes the thread if it sleeps.
    mutating func ring() {
      guard isAsleep else { return }
      isAsleep = false  // One byte wakes the thread, however many calls there are.
      metrics.wakes += 1
      write(bell.ring, [1], 1)
    }

    /// Reads what `ring` has written, so that the next poll can sleep.
    mutating func hear() {
      var bytes: UInt64 = 0
      read(bell.hear, &bytes, 8)
    }
  }

  init() throws(IOError) {
    var bell: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, streamSocket, 0, &bell) == 0 else { throw IOError(.socket, .system(errno)) }
    state = Mutex(State(bell: (bell[0], bell[1])))
    do throws(IOError) {
      // Under the lock, which the thread takes first: `thread` is set by then.
      try state.withLock { state throws(IOError) in state.ending.thread = try startThread(run) }
    } catch {
      for descriptor in bell { close(descriptor) }
      throw error
    }
  }

  /// Adds a job that is ready to run, from any thread. It has to run exactly once: a dropped job leaves its task
  /// waiting for ever.
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let isTaken = state.withLock { state in
      guard !state.ending.isOver else { return false }
      state.jobs.append(job)
      state.ring()
      return true
    }
    if !isTaken { exile(job) }
  }

  /// Runs `job` on Swift's own pool, after the loop's thread has ended.
  ///
  /// The job still runs with the identity of this executor: with another one, Swift would enqueue it here again and
  /// again. It runs in a bare job, since Swift would take a job that runs inside a task for a job of that task.
  func exile(_ job: UnownedJob) {
    globalConcurrentExecutor.enqueue(
      _swift_createJobForTestingOnly { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) })
  }

  /// The thread's loop. Each turn runs the jobs that are ready and then polls for more.
  @Sendable private func run() {
    var ready: [UnownedJob] = []
    repeat {
      state.withLock { state in
        // Jobs that these make ready wait for the next turn, so that no task can starve the others.
        swap(&state.jobs, &ready)
        state.metrics.jobs += ready.count
      }
      for job in ready { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
      ready.removeAll(keepingCapacity: true)
    } while poll()
  }

  /// Sleeps until an event occurs, and resumes the tasks that wait for it.
  ///
  /// - Returns: whether the loop continues.
  private func poll() -> Bool {
    var asked: [pollfd] = []
    var numbers: [Int] = []
    let timeout: Int32 = state.withLock { state in
      asked.append(pollfd(fd: state.bell.hear, events: Int16(POLLIN), revents: 0))
      for (number, socket) in state.sockets {
        let reading = state.waits[.readable(number)] == nil ? 0 : POLLIN
        let writing = state.waits[.writable(number)] == nil ? 0 : POLLOUT
        guard reading | writing != 0 else { continue }
        asked.append(pollfd(fd: socket.descriptor, events: Int16(reading | writing), revents: 0))
        numbers.append(number)
      }
      // Set in the same critical section as the check for work: a thread that adds work later sees the flag and calls
      // `ring`.
      state.isAsleep = state.jobs.isEmpty && !state.isDone
      guard state.isAsleep else { return 0 }
      state.metrics.parks += 1
      return state.millisecondsToNextDeadline
    }
    // If the call fails, for instance because a signal interrupts it, the next turn polls again.
    Glibc.poll(&asked, nfds_t(asked.count), timeout)
    let due = state.withLock { state in
      state.isAsleep = false
      if asked[0].revents != 0 { state.hear() }
      var events = state.deadlinesPassed
      for (answer, number) in zip(asked.dropFirst(), numbers) {
        // Errors and hang-ups wake both directions: the waiting task finds out by trying.
        if Int32(answer.revents) & ~POLLOUT != 0 { events.append(.readable(number)) }
        if Int32(answer.revents) & ~POLLIN != 0 { events.append(.writable(number)) }
      }
      return events.compactMap { state.waits.removeValue(forKey: $0) }
    }
    for wait in due { wait.continuation.resume(returning: nil) }
    return !endIfDone()
  }
}
