/// Suspends the task until `body`, or code that `body` gives the continuation to, resumes it: what
/// `withUnsafeContinuation` does, for 200 instructions less.
///
/// That function switches to the executor of its caller before it calls `body`, and looks up the task's preferred executor
/// for that under a lock, though the task is on this executor already (Swift 6.3.1). The function of the standard library
/// that is called here is its older form, which has no such switch.
@inlinable
@inline(__always)
package func suspendTask<Success: Sendable>(
  _ body: (UnsafeContinuation<Success, Never>) -> Void
) async -> Success {
  await _unsafeInheritExecutor_withUnsafeContinuation(body)
}
