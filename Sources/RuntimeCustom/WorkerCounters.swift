import Synchronization

/// What a worker has done so far. Only the worker itself counts, anybody may read.
struct WorkerCounters: ~Copyable, Sendable {
  private let jobCount = Atomic<Int>(0)
  private let stolenCount = Atomic<Int>(0)
  private let parkCount = Atomic<Int>(0)

  // Relaxed throughout, and a load and a store where a counter of several writers would need an exchange: a figure is
  // right for its own sake, and says nothing of anything else.

  var jobs: Int { jobCount.load(ordering: .relaxed) }
  var stolen: Int { stolenCount.load(ordering: .relaxed) }
  var parks: Int { parkCount.load(ordering: .relaxed) }

  func hasTaken() { jobCount.store(jobs &+ 1, ordering: .relaxed) }
  func hasStolen(_ count: Int) { stolenCount.store(stolen &+ count, ordering: .relaxed) }
  func hasParked() { parkCount.store(parks &+ 1, ordering: .relaxed) }
}
