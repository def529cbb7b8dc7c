import RuntimePrimitives

/// What happened in a test, in the order in which it did, from whatever task.
package final class Recorder<Element: Sendable>: Sendable {
  private let recorded = Lock<[Element]>([])

  package init() {}

  package func record(_ element: Element) { recorded.withLock { $0.append(element) } }

  package var elements: [Element] { recorded.withLock(\.self) }
}
