import Runtime
import RuntimeKit
import RuntimePrimitives
import Synchronization

/// The pool: workers with a queue each, a queue they share, and the rules by which they are woken.
final class Scheduler: TaskExecutor {
  let workers: [Worker]
  let injector = Injector()
  let idle: Idle
  let stealsWork: Bool
  let watchdog: Watchdog?
  private let stopping = Atomic(false)
  private let turn = Atomic<Int>(0)
  private let threads = WorkerThreads()

  init(workers count: Int, poller: PollerKind, stealsWork: Bool, stalls: StallOptions?) throws(IOError) {
    var stalls = stalls
    // Relief is a kind of stealing.
    if !stealsWork { stalls?.maximumReliefWorkers = 0 }
    let watchdog = stalls.map { Watchdog(runtime: "custom", $0) }
    self.watchdog = watchdog
    var workers: [Worker] = []
    for index in 0..<count { workers.append(try Worker(index: index, poller: poller, watchdog)) }
    self.workers = workers
    self.stealsWork = stealsWork
    idle = Idle(workerCount: count)
  }

  /// Starts the threads; stops those that it has started if there is none to be had for the rest.
  func start() throws(IOError) {
    do throws(IOError) {
      try threads.start(workers.map { "gearbox-\($0.index)" }) { [self] number in workers[number].run(self) }
      try watchdog?.start(self)
    } catch {
      stop(deadline: .max)
      throw error
    }
  }

  /// The worker whose thread is calling.
  var currentWorker: Worker? { threads.currentNumber.map { workers[$0] } }

  /// The worker for the next thing that can be any worker's: each in turn.
  var someWorker: Worker {
    let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue  // Any number will do.
    return workers[Int(UInt(bitPattern: number) % UInt(workers.count))]
  }

  /// Relaxed: it is one word, and what comes of it waits for the threads to be joined. A worker that sleeps is woken.
  var isStopping: Bool { stopping.load(ordering: .relaxed) }

  /// Whether there is anything that a worker with nothing of its own could run, and that nobody else is about to.
  var hasWork: Bool { injector.count > 0 || stealsWork && workers.contains { $0.queue.count > 1 } }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    TaskWatch.willQueue(job)
    // A worker that is stopped and still in a job does not get round to what the job makes ready.
    if let number = threads.currentNumber, !isStopping {
      // Not retained: the scheduler has it for as long as this runs.
      unsafe Unmanaged.passUnretained(workers[number])._withUnsafeGuaranteedRef { $0.push(job, self) }
    } else {
      inject(CollectionOfOne(job))
    }
  }

  /// Queues jobs for any worker.
  func inject(_ jobs: some Collection<UnownedJob>) {
    if injector.push(jobs) {
      wakeOne()
    } else {
      for job in jobs { exile(job) }
    }
  }

  /// Has another worker help with what is queued on one, if that is called for.
  func shareWork(isLone: Bool = false) {
    guard stealsWork, let index = idle.wakeOne(isLone: isLone) else { return }
    workers[index].parking.unpark()
  }

  /// Wakes a worker for new work, if that is called for.
  func wakeOne() {
    if let index = idle.wakeOne() { workers[index].parking.unpark() }
  }

  /// Ends the threads. One that is still in a job at `deadline` ends with that. Jobs that are left, and those that still
  /// come, are run on Swift's own pool: none is ever lost.
  func stop(deadline: Int64) {
    // First, so that no job waits for a thread that has to be waited for.
    for job in injector.close() { exile(job) }
    // Before the workers, since it polls what they close.
    watchdog?.stop(deadline: deadline)
    stopping.store(true, ordering: .relaxed)  // `unpark` releases it to a worker that sleeps.
    for worker in workers { worker.parking.unpark() }
    let hasEnded = threads.join(until: deadline)
    for (worker, hasEnded) in zip(workers, hasEnded) where !hasEnded {
      for job in worker.queue.stealAll() { exile(job) }
    }
    // Workers with a thread close theirs when they end: a poller that is closed under a sleeper loses the wake.
    for worker in workers[hasEnded.count...] { worker.poller.close() }
  }

  /// Has Swift's own pool run `job`, with our identity as before.
  func exile(_ job: UnownedJob) {
    SwiftPool.run { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
