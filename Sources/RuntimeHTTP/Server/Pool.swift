import Runtime
import RuntimePrimitives

/// Memory that a connection uses while it is busy and returns for others when it is idle.
protocol Reusable: Sendable {
  /// Restores the initial state.
  ///
  /// - Returns: Whether the element is worth keeping. One that has grown for a large message is not.
  func reset() -> Bool
}

/// A pool of elements that no connection is using.
final class Pool<Element: Reusable>: Sendable {
  /// The most elements that are kept. Few machines have as many connections busy at the same moment.
  private static var bound: Int { 64 }

  private let make: @Sendable () -> Element
  private let elements = Lock<[Element]>([])

  init(_ make: @escaping @Sendable () -> Element) { self.make = make }

  func take() -> Element { elements.withLock { $0.popLast() } ?? make() }

  func giveBack(_ element: Element) {
    guard element.reset() else { return }
    elements.withLock { elements in
      if elements.count < Self.bound { elements.append(element) }
    }
  }
}
