import Runtime
import RuntimePrimitives

/// Memory that a connection has while it is busy, and another one when it is not.
protocol Reusable: Sendable {
  /// Makes it as good as new.
  ///
  /// - Returns: whether it is worth keeping; what has grown for one large message is not.
  func reset() -> Bool
}

/// What no connection needs just now.
final class Pool<Element: Reusable>: Sendable {
  /// More than this many are not kept: as many connections are busy at the same moment on few machines.
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
