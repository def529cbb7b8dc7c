import Glibc
import Runtime
import Synchronization

/// One thread that runs jobs, watches sockets and tells the time.
///
/// All that it knows is behind one lock, and two rules go with that. Whoever brings something new while the thread sleeps
/// rings, or it would sleep on. And nobody resumes a continuation while he holds the lock: resuming one enqueues a job,
/// which takes the lock again.
final class RunLoop: TaskExecutor {
  let state: Mutex<State>
  let isJoined = Mutex(false)

  struct State {
    /// Ready to be run.
    var jobs: [UnownedJob] = []
    /// The tasks that wait, by what they wait for.
    var waits: [Event: Wait] = [:]
    /// The sockets that are open, by numbers that are never used again, as those of descriptors are.
    var sockets: [Int: OpenSocket] = [:]
    var blocking = BlockingWork()
    var ending = Ending()
    var metrics = WorkerMetrics()
    /// Whether the thread sleeps, or is about to.
    var isAsleep = false
    /// Two sockets: a byte written to one ends a poll that watches the other.
    let bell: (ring: Int32, hear: Int32)
    private var lastNumber = 0

    init(bell: (Int32, Int32)) { self.bell = bell }

    /// A number that nothing else has.
    mutating func nextNumber() -> Int {
      lastNumber += 1
      return lastNumber
    }

    /// Wakes the thread if it sleeps.
    mutating func ring() {
      guard isAsleep else { return }
      isAsleep = false  // One byte will do, however many ring.
      metrics.wakes += 1
      write(bell.ring, [1], 1)
    }

    /// Takes what has been written, so that the next poll sleeps again.
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
      // Under the lock, which is the first thing that the thread takes: by then its name is known.
      try state.withLock { state throws(IOError) in state.ending.thread = try startThread(run) }
    } catch {
      for descriptor in bell { close(descriptor) }
      throw error
    }
  }

  /// Takes a job that can go on, from any thread. It has to be run exactly once: one that is dropped leaves its task
  /// hanging for ever.
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

  /// Has Swift's own pool run `job`, for there is no thread any more.
  ///
  /// With the identity of this executor still: under another Swift would enqueue the job here again, and again. And in a
  /// bare job, as what is run inside a task would be taken for that task's.
  func exile(_ job: UnownedJob) {
    globalConcurrentExecutor.enqueue(
      _swift_createJobForTestingOnly { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) })
  }

  /// What the thread does: turn after turn, it runs what is ready and then looks what has become so.
  @Sendable private func run() {
    var ready: [UnownedJob] = []
    repeat {
      state.withLock { state in
        // What these make ready is for the next turn, so that no task can keep the others from theirs.
        swap(&state.jobs, &ready)
        state.metrics.jobs += ready.count
      }
      for job in ready { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
      ready.removeAll(keepingCapacity: true)
    } while poll()
  }

  /// Sleeps until there is something to do, and makes ready whoever waited for it.
  ///
  /// - Returns: whether there is to be another turn.
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
      // Under the same hold of the lock as the look at what there is to do: whoever brings more later finds this, and
      // rings.
      state.isAsleep = state.jobs.isEmpty && !state.isDone
      guard state.isAsleep else { return 0 }
      state.metrics.parks += 1
      return state.millisecondsToNextDeadline
    }
    // A call that fails, as when a signal interrupts it, has found nothing; the next turn asks again.
    Glibc.poll(&asked, nfds_t(asked.count), timeout)
    let due = state.withLock { state in
      state.isAsleep = false
      if asked[0].revents != 0 { state.hear() }
      var events = state.deadlinesPassed
      for (answer, number) in zip(asked.dropFirst(), numbers) {
        // An error or a hang-up is for either: whoever waits finds out by trying.
        if Int32(answer.revents) & ~POLLOUT != 0 { events.append(.readable(number)) }
        if Int32(answer.revents) & ~POLLIN != 0 { events.append(.writable(number)) }
      }
      return events.compactMap { state.waits.removeValue(forKey: $0) }
    }
    for wait in due { wait.continuation.resume(returning: nil) }
    return !endIfDone()
  }
}
