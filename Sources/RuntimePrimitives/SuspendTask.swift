/// Suspends the task until its continuation is resumed, like `withUnsafeContinuation`, for 200 instructions less.
///
/// `withUnsafeContinuation` switches to its caller's executor before it calls `body`, which takes a look-up of the task's
/// preferred executor under a lock, although the task is already there (Swift 6.3.1). Its older form, which the standard
/// library keeps under the name below, does not.
@inlinable
@inline(__always)
package func suspendTask<Success: Sendable>(
  _ body: (UnsafeContinuation<Success, Never>) -> Void
) async -> Success {
  await _unsafeInheritExecutor_withUnsafeContinuation(body)
}
