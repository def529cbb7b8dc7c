import Dispatch
import Glibc

/// Runs `work`, which may block, on a thread of its own and not on one of Swift's pool.
package func onThreadOfItsOwn<Success: Sendable, Failure: Error>(
  _ work: @escaping @Sendable () throws(Failure) -> Success
) async throws(Failure) -> Success {
  let result: Result<Success, Failure> = await withCheckedContinuation { continuation in
    // A serial queue may have a thread beyond those of the global queues (it "overcommits").
    DispatchQueue(label: "blocking").async { continuation.resume(returning: Result(catching: work)) }
  }
  return try result.get()
}

/// Blocks the calling thread, and so the worker of the calling task, until `condition` holds or `patience` has passed.
///
/// - Returns: whether `condition` holds.
package func block(within patience: Duration = .seconds(120), until condition: () -> Bool) -> Bool {
  let end = ContinuousClock.now + patience
  while !condition() {
    if ContinuousClock.now > end { return false }
    usleep(500)
  }
  return true
}
