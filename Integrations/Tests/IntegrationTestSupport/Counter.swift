import Synchronization

/// A counter for any thread.
package final class Counter: Sendable {
  private let count = Atomic(0)

  package init() {}

  package var value: Int { count.load(ordering: .relaxed) }

  package func add(_ more: Int) { count.add(more, ordering: .relaxed) }
}
