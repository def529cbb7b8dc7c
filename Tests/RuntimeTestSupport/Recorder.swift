import RuntimePrimitives

/// Records the events of a test from any task, in their order.
package final class Recorder<Element: Sendable>: Sendable {
  private let recorded = Lock<[Element]>([])

  package init() {}

  package func record(_ element: Element) { recorded.withLock { $0.append(element) } }

  package var elements: [Element] { recorded.withLock(\.self) }
}
