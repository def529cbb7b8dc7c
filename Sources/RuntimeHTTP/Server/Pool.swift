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

  private struct Elements {
    /// The element that was returned last. It is kept apart, so that taking an element and returning it touches no array.
    var last: Element?
    var others: [Element] = []

    mutating func take() -> Element? { last.take() ?? others.popLast() }

    mutating func put(_ element: Element) {
      guard let other = last else { return last = element }
      if others.count < Pool.bound - 1 {
        others.append(other)
        last = element
      }
    }
  }

  private let make: @Sendable () -> Element
  private let elements = Lock(Elements())

  init(_ make: @escaping @Sendable () -> Element) { self.make = make }

  func take() -> Element { elements.withLock { $0.take() } ?? make() }

  func giveBack(_ element: Element) {
    guard element.reset() else { return }
    elements.withLock { $0.put(element) }
  }
}
