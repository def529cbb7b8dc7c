import Dispatch
import Glibc

/// Runs `work`, which may block, on a thread of its own and not on one that Swift's tasks need.
package func onThreadOfItsOwn<Success: Sendable, Failure: Error>(
  _ work: @escaping @Sendable () throws(Failure) -> Success
) async throws(Failure) -> Success {
  let result: Result<Success, Failure> = await withCheckedContinuation { continuation in
    // A serial queue may have a thread beyond those of the global ones (it "overcommits").
    DispatchQueue(label: "blocking").async { continuation.resume(returning: Result(catching: work)) }
  }
  return try result.get()
}

/// Blocks the calling thread until `condition` holds, or for `patience` at most: so a task has its worker stuck.
///
/// - Returns: whether it has come to hold.
package func block(within patience: Duration = .seconds(120), until condition: () -> Bool) -> Bool {
  let end = ContinuousClock.now + patience
  while !condition() {
    if ContinuousClock.now > end { return false }
    usleep(500)
  }
  return true
}
