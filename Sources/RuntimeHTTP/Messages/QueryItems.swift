/// The names and values behind the `?` of a request target, decoded, in the order in which they came.
///
/// They are read as the URL standard reads `application/x-www-form-urlencoded`, which is how browsers write them: items
/// are separated by `&`, an item without `=` has an empty value, and nothing is refused.
///
/// ```swift
/// let query = QueryItems("tag=a&tag=b+c&draft")
/// query["tag"]              // "a"
/// query.values(for: "tag")  // ["a", "b c"]
/// query["draft"]            // ""
/// query["missing"]          // nil
/// ```
public struct QueryItems: Sendable, Hashable {
  /// One name and its value.
  public struct Item: Sendable, Hashable {
    /// What stands before the first `=`.
    public let name: String
    /// What stands behind it; empty where there is none.
    public let value: String
  }

  private var items: [Item] = []

  /// No items.
  public init() {}

  /// The items of `query`, what stands behind the `?`.
  public init(_ query: some StringProtocol) { self.init(Array(query.utf8)) }

  /// The items of a query as it came over the wire.
  public init(_ query: some Collection<UInt8>) {
    for item in query.split(separator: UInt8(ascii: "&")) {
      let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      items.append(
        Item(
          name: PercentEncoding.decodeForm(parts[0]),
          value: parts.count == 2 ? PercentEncoding.decodeForm(parts[1]) : ""))
    }
  }

  /// The value of the first item called `name`; names are case-sensitive.
  public subscript(name: String) -> String? { items.first { $0.name == name }?.value }

  /// The values of all items called `name`.
  public func values(for name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

  /// Whether there is an item called `name`.
  public func contains(_ name: String) -> Bool { items.contains { $0.name == name } }
}

extension QueryItems: RandomAccessCollection {
  /// 0.
  public var startIndex: Int { items.startIndex }
  /// How many items there are.
  public var endIndex: Int { items.endIndex }
  /// The item at `position`, from 0.
  public subscript(position: Int) -> Item { items[position] }
}
