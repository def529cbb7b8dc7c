/// A first-in, first-out queue that reuses its storage: a circular buffer that doubles when it is full.
///
/// Inlinable, so that it is specialised for what other targets keep in one.
@frozen
public struct Ring<Element> {
  @usableFromInline var slots: [Element?] = []
  @usableFromInline var head = 0
  @usableFromInline var length = 0

  /// An empty ring.
  @inlinable
  public init() {}

  /// How many elements there are.
  @inlinable
  public var count: Int { length }

  /// Whether there is none.
  @inlinable
  public var isEmpty: Bool { count == 0 }

  /// Adds `element` as the last.
  @inlinable
  public mutating func append(_ element: Element) {
    if count == slots.count { grow() }
    // The capacity is a power of two, so that wrapping round is a mask.
    slots[(head + count) & (slots.count - 1)] = element
    length += 1
  }

  /// Takes the first element out; `nil` if there is none.
  @inlinable
  public mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = slots[head]
    slots[head] = nil
    head = (head + 1) & (slots.count - 1)
    length -= 1
    return element
  }

  @usableFromInline
  mutating func grow() {
    var larger = [Element?](repeating: nil, count: max(16, slots.count * 2))
    for index in 0..<count { larger[index] = slots[(head + index) & (slots.count - 1)] }
    slots = larger
    head = 0
  }
}

extension Ring: Sendable where Element: Sendable {}
