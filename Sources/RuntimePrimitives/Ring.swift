/// A first-in, first-out queue that reuses its storage: a circular buffer that doubles when it is full.
///
/// It is inlinable so that other targets can specialise it.
@frozen
public struct Ring<Element> {
  @usableFromInline var slots: [Element?] = []
  @usableFromInline var head = 0
  @usableFromInline var length = 0

  /// Creates an empty ring.
  @inlinable
  public init() {}

  /// The number of elements.
  @inlinable
  public var count: Int { length }

  /// Whether the ring is empty.
  @inlinable
  public var isEmpty: Bool { count == 0 }

  /// Appends `element` at the end.
  @inlinable
  public mutating func append(_ element: Element) {
    if count == slots.count { grow() }
    // The capacity is a power of two, so a mask wraps the index.
    slots[(head + count) & (slots.count - 1)] = element
    length += 1
  }

  /// Removes and returns the first element; `nil` if the ring is empty.
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
