import Runtime
import RuntimeKit

extension Scheduler: WatchedScheduler {
  var lanes: [Lane] { workers.map(\.lane) }

  var hasWaitingJobs: Bool { sharedQueue.count > 0 || stealsWork && workers.contains { $0.queue.count > 0 } }

  func cover(_ lane: Int) {
    // Without stealing, a task made ready on a worker runs there, however busy the worker is.
    guard stealsWork else { return }
    let worker = workers[lane]
    worker.parking.poll()
    _ = worker.sleeps.fire()
    // The worker may have slept since it last shared work, and may have received a job before it got stuck.
    if worker.queue.count > 0 { wakeOne() }
  }

  func relieve(in lane: Lane, while isNeeded: () -> Bool) {
    // Holds the stolen jobs beyond the first one. Other threads cannot see this queue, so it is emptied at once.
    let stolen = RunQueue()
    let runner = JobRunner()
    while isNeeded(), let job = nextReliefJob(stolen, lane) {
      lane.counters.hasTaken(job)
      runner.run(job, on: asUnownedTaskExecutor())
    }
  }

  private func nextReliefJob(_ stolen: borrowing RunQueue, _ lane: Lane) -> UnownedJob? {
    // A single job: the others are left for further relief workers.
    if let job = sharedQueue.pop(into: stolen, sharedBy: .max) { return job }
    for worker in workers {
      guard let (job, count) = worker.queue.steal(into: stolen, atLeast: 1) else { continue }
      lane.counters.hasStolen(count)
      while let next = stolen.pop() { enqueueShared(CollectionOfOne(next)) }
      return job
    }
    return nil
  }
}
