import Glibc

/// A value protected by a lock, with a condition variable to wait for changes, which `Mutex` does not offer.
package final class Monitor<Value>: @unchecked Sendable {  // `value` is only touched under `mutex`.
  private var value: Value
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init(_ value: sending Value) {
    self.value = value
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // The monotonic clock, so that setting the wall clock does not lengthen a timed wait.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Calls `body` with the lock held.
  package func withLock<Result>(_ body: (inout Value) throws -> sending Result) rethrows -> sending Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }

  /// Calls `body` with the lock held, again after each notification, until it returns a result.
  ///
  /// After `deadline`, in nanoseconds of the monotonic clock, `body` is called with `isLate` and must return a result.
  package func wait<Result>(
    until deadline: Int64 = .max, for body: (inout Value, _ isLate: Bool) -> sending Result?
  ) -> sending Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    var isLate = false
    while true {
      if let result = body(&value, isLate) { return result }
      if deadline == .max {
        pthread_cond_wait(condition, mutex)
      } else if deadline <= 0 {
        isLate = true  // `pthread_cond_timedwait` rejects a negative time.
      } else {
        var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        isLate = pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT
      }
    }
  }

  /// Wakes one waiting thread.
  package func notifyOne() { pthread_cond_signal(condition) }

  /// Wakes all waiting threads.
  package func notifyAll() { pthread_cond_broadcast(condition) }
}
