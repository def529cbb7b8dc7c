import Runtime
import RuntimePrimitives

/// A gate at which threads wait until enough of them have arrived, or until it is opened.
final class Gate: Sendable {
  private let missing: Monitor<Int>

  /// Creates a closed gate.
  ///
  /// - Parameter count: the number of arrivals that open it.
  init(count: Int = .max) { missing = Monitor(count) }

  /// Whether the gate is open. Tasks poll this instead of blocking their thread.
  var isOpen: Bool { missing.withLock { $0 <= 0 } }

  /// Blocks the calling thread until the gate is open, for at most `patience`. The thread should be one for blocking
  /// work, except in tests of stuck workers.
  ///
  /// - Returns: whether the gate is open.
  func wait(for patience: Duration) -> Bool {
    missing.wait(until: MonotonicTime.deadline(after: patience)) { missing, isLate in
      missing <= 0 ? true : isLate ? false : nil
    }
  }

  /// Counts an arrival, and waits like `wait(for:)`.
  func arriveAndWait(for patience: Duration) -> Bool {
    missing.withLock { $0 -= 1 }
    missing.notifyAll()
    return wait(for: patience)
  }

  func open() {
    missing.withLock { $0 = 0 }
    missing.notifyAll()
  }
}
