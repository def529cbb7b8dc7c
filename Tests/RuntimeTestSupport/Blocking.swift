import Dispatch

/// Runs `work`, which may block, on a thread of its own and not on one that Swift's tasks need.
package func onThreadOfItsOwn<Success: Sendable>(
  _ work: @escaping @Sendable () throws -> Success
) async throws -> Success {
  try await withCheckedThrowingContinuation { continuation in
    // A serial queue may have a thread beyond those of the global ones (it "overcommits").
    DispatchQueue(label: "blocking").async { continuation.resume(with: Result(catching: work)) }
  }
}
