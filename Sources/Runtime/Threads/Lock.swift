import CRuntime
import Synchronization

/// Swift's `Mutex`, in words that ThreadSanitizer understands.
///
/// The library that `Mutex` comes in is not built for the sanitizer, which takes whatever is behind one for unprotected.
package struct Lock<Value: ~Copyable>: ~Copyable, Sendable {
  private let mutex: Mutex<Value>

  package init(_ value: consuming sending Value) {
    mutex = Mutex(value)
  }

  /// Runs `body` with the value to itself.
  package borrowing func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    try mutex.withLock { value throws(Failure) in
      withUnsafePointer(to: &value) { gearbox_sanitizer_acquire($0) }
      defer { withUnsafePointer(to: &value) { gearbox_sanitizer_release($0) } }
      return try body(&value)
    }
  }
}
