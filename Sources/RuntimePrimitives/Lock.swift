public import Synchronization

/// Swift's `Mutex`, and a sign of it that ThreadSanitizer can see.
///
/// The library that `Mutex` comes in is not built for the sanitizer, which takes whatever is behind one for unprotected.
/// Inlinable, so that other targets need not look its type up at run time.
@frozen
public struct Lock<Value: ~Copyable>: ~Copyable, Sendable {
  @usableFromInline let mutex: Mutex<Value>
  /// Stored by whoever leaves and loaded by whoever enters: the order that the mutex has made already, once more.
  @usableFromInline let sign = Atomic(false)

  /// A lock around `value`.
  @inlinable
  public init(_ value: consuming sending Value) {
    mutex = Mutex(value)
  }

  /// Runs `body` with the value to itself.
  @inlinable
  public borrowing func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    try mutex.withLock { value throws(Failure) in
      _ = sign.load(ordering: .acquiring)
      defer { sign.store(true, ordering: .releasing) }
      return try body(&value)
    }
  }

  /// Runs `body` as ``withLock(_:)`` does, unless another thread has the value.
  ///
  /// - Returns: what `body` returns; `nil` if it was not run.
  @inlinable
  public borrowing func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result? {
    try mutex.withLockIfAvailable { value throws(Failure) in
      _ = sign.load(ordering: .acquiring)
      defer { sign.store(true, ordering: .releasing) }
      return try body(&value)
    }
  }
}
