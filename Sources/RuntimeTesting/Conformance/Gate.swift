import Runtime
import RuntimePrimitives

/// Where threads wait until so many have come, or a caller opens it.
final class Gate: Sendable {
  private let missing: Monitor<Int>

  /// - Parameter count: how many open it by coming.
  init(count: Int = .max) { missing = Monitor(count) }

  /// Whether it is open: for tasks, whose thread others may be waiting for.
  var isOpen: Bool { missing.withLock { $0 <= 0 } }

  /// Blocks the calling thread, which is one for blocking work unless a worker is to be stuck, until the gate is open, but
  /// not for ever.
  ///
  /// - Returns: whether it is open.
  func wait(for patience: Duration) -> Bool {
    missing.wait(until: MonotonicTime.deadline(after: patience)) { missing, isLate in
      missing <= 0 ? true : isLate ? false : nil
    }
  }

  /// Comes, and waits for the others.
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
