/// The names and values after the `?` of a request target, decoded, in their original order.
///
/// They are parsed as the URL standard parses `application/x-www-form-urlencoded`, which is how browsers write them:
/// `&` separates items, an item without `=` has an empty value, and no input is rejected.
///
/// ```swift
/// let query = QueryItems("tag=a&tag=b+c&draft")
/// query["tag"]              // "a"
/// query.values(for: "tag")  // ["a", "b c"]
/// query["draft"]            // ""
/// query["missing"]          // nil
/// ```
public struct QueryItems: Sendable, Hashable {
  /// A name and its value.
  public struct Item: Sendable, Hashable {
    /// The text before the first `=`.
    public let name: String
    /// The text after the first `=`; empty if there is none.
    public let value: String
  }

  private var items: [Item] = []

  /// Creates an empty collection.
  public init() {}

  /// Parses `query`, the text after the `?`.
  public init(_ query: some StringProtocol) { self.init(Array(query.utf8)) }

  /// Parses a query from its bytes on the wire.
  public init(_ query: some Collection<UInt8>) {
    for item in query.split(separator: UInt8(ascii: "&")) {
      let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      items.append(
        Item(
          name: PercentEncoding.decodeForm(parts[0]),
          value: parts.count == 2 ? PercentEncoding.decodeForm(parts[1]) : ""))
    }
  }

  /// The value of the first item called `name`, or `nil`. Names are case-sensitive.
  public subscript(name: String) -> String? { items.first { $0.name == name }?.value }

  /// Returns the values of all items called `name`.
  public func values(for name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

  /// Returns whether there is an item called `name`.
  public func contains(_ name: String) -> Bool { items.contains { $0.name == name } }
}

extension QueryItems: RandomAccessCollection {
  /// The position of the first item, which is 0.
  public var startIndex: Int { items.startIndex }
  /// The number of items.
  public var endIndex: Int { items.endIndex }
  /// The item at `position`.
  public subscript(position: Int) -> Item { items[position] }
}
