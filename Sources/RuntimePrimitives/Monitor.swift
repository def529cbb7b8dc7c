import Glibc

/// A value behind a lock, and threads that wait for it to change: what `Mutex` cannot do.
package final class Monitor<Value>: @unchecked Sendable {  // `value` is only touched under `mutex`.
  private var value: Value
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init(_ value: sending Value) {
    self.value = value
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // A wait with a bound must not grow when somebody sets the wall clock.
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

  /// Runs `body` with the lock held.
  package func withLock<Result>(_ body: (inout Value) throws -> sending Result) rethrows -> sending Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }

  /// Runs `body` with the lock held, again each time somebody notifies, until it gives a result.
  ///
  /// Once `deadline`, in nanoseconds of the monotonic clock, has passed, `body` is told that it is late, and has to
  /// give one.
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
        isLate = true  // A time before the clock's beginning is none that a wait can be given.
      } else {
        var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        isLate = pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT
      }
    }
  }

  /// Wakes one of those that wait.
  package func notifyOne() { pthread_cond_signal(condition) }

  /// Wakes all that wait.
  package func notifyAll() { pthread_cond_broadcast(condition) }
}
