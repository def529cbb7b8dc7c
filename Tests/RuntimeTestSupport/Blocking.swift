import Dispatch

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
