import Runtime
import RuntimeKit
import RuntimePrimitives
import Synchronization

/// The thread pool: workers with a queue each, a shared queue, and the rules for waking workers.
final class Scheduler: TaskExecutor {
  let workers: [Worker]
  let sharedQueue = SharedQueue()
  let idle: Idle
  let stealsWork: Bool
  let watchdog: Watchdog?
  private let stopping = Atomic(false)
  private let turn = Atomic<Int>(0)
  private let threads = WorkerThreads()

  init(workers count: Int, poller: PollerKind, stealsWork: Bool, stalls: StallOptions?) throws(IOError) {
    var stalls = stalls
    // Relief workers steal jobs.
    if !stealsWork { stalls?.maximumReliefWorkers = 0 }
    let watchdog = stalls.map { Watchdog(runtime: "custom", $0) }
    self.watchdog = watchdog
    var workers: [Worker] = []
    for index in 0..<count { workers.append(try Worker(index: index, poller: poller, watchdog)) }
    self.workers = workers
    self.stealsWork = stealsWork
    idle = Idle(workerCount: count)
  }

  /// Starts the threads. If one cannot be created, stops those that have been started.
  func start() throws(IOError) {
    do throws(IOError) {
      try threads.start(workers.map { "gearbox-\($0.index)" }) { [self] number in workers[number].run(self) }
      try watchdog?.start(self)
    } catch {
      stop(deadline: .max)
      throw error
    }
  }

  /// The worker of the calling thread.
  var currentWorker: Worker? { threads.currentNumber.map { workers[$0] } }

  /// A worker for something that any worker can do: each in turn.
  var someWorker: Worker {
    let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue  // Relaxed: any number is suitable.
    return workers[Int(UInt(bitPattern: number) % UInt(workers.count))]
  }

  /// Whether the threads should end. Relaxed: it is a single word, and the threads are joined afterwards. Sleeping
  /// workers are woken.
  var isStopping: Bool { stopping.load(ordering: .relaxed) }

  /// Whether there is a job that an idle worker could run and that its own worker is not about to run.
  var hasWork: Bool { sharedQueue.count > 0 || stealsWork && workers.contains { $0.queue.count > 1 } }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    TaskWatch.willQueue(job)
    // A stopped worker that is still in a job would not run the jobs that this job makes ready.
    if let number = threads.currentNumber, !isStopping {
      // Not retained: the scheduler keeps the worker alive during this call.
      unsafe Unmanaged.passUnretained(workers[number])._withUnsafeGuaranteedRef { $0.push(job, self) }
    } else {
      enqueueShared(CollectionOfOne(job))
    }
  }

  /// Queues jobs for any worker.
  func enqueueShared(_ jobs: some Collection<UnownedJob>) {
    if sharedQueue.push(jobs) {
      wakeOne()
    } else {
      for job in jobs { exile(job) }
    }
  }

  /// Wakes another worker to help with the jobs of a worker's queue, if necessary.
  func shareWork(isLone: Bool = false) {
    guard stealsWork, let index = idle.wakeOne(isLone: isLone) else { return }
    workers[index].parking.unpark()
  }

  /// Wakes a worker for new work, if necessary.
  func wakeOne() {
    if let index = idle.wakeOne() { workers[index].parking.unpark() }
  }

  /// Ends the threads. A thread that is still in a job at `deadline` ends with that job. Remaining jobs, and later
  /// ones, run on Swift's own pool, so none is lost.
  func stop(deadline: Int64) {
    // First, so that no job waits for a thread that ends late.
    for job in sharedQueue.close() { exile(job) }
    // Before the workers, since the watchdog uses their pollers.
    watchdog?.stop(deadline: deadline)
    stopping.store(true, ordering: .relaxed)  // Relaxed: `unpark` releases it to a sleeping worker.
    for worker in workers { worker.parking.unpark() }
    let hasEnded = threads.join(until: deadline)
    for (worker, hasEnded) in zip(workers, hasEnded) where !hasEnded {
      for job in worker.queue.stealAll() { exile(job) }
    }
    // Workers with a thread close their own pollers: closing a poller during a sleep would lose the wake-up.
    for worker in workers[hasEnded.count...] { worker.poller.close() }
  }

  /// Runs `job` on Swift's own pool, with this executor's identity.
  func exile(_ job: UnownedJob) {
    SwiftPool.run { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
