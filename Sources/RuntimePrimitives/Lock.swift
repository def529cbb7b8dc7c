public import Synchronization

/// Swift's `Mutex`, with synchronisation that ThreadSanitizer can see.
///
/// The library that contains `Mutex` is not built for the sanitizer, which therefore reports accesses under a mutex as
/// races. The type is inlinable so that other targets do not look up its metadata at run time.
@frozen
public struct Lock<Value: ~Copyable>: ~Copyable, Sendable {
  @usableFromInline let mutex: Mutex<Value>
  /// Stored before unlocking and loaded after locking. It repeats the ordering that the mutex already establishes.
  @usableFromInline let sign = Atomic(false)

  /// Creates a lock that protects `value`.
  @inlinable
  public init(_ value: consuming sending Value) {
    mutex = Mutex(value)
  }

  /// Calls `body` with exclusive access to the value.
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

  /// Like ``withLock(_:)``, unless another thread holds the lock.
  ///
  /// - Returns: the result of `body`; `nil` if it was not called.
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
