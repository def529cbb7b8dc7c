/// The values of the variable segments of a route's path in a request, percent-decoded.
///
/// With the route `/users/:id/files/*rest`, a request for `/users/7/files/a/b%2Fc` has `parameters["id"] == "7"`,
/// `parameters["rest"] == "a/b/c"` and `parameters.segments(of: "rest") == ["a", "b/c"]`.
public struct PathParameters: Sendable, Hashable {
  private struct Entry: Sendable, Hashable {
    let name: String
    let segments: [String]
  }

  private var entries: [Entry] = []

  /// Creates an empty collection.
  public init() {}

  /// The value of `:name`, or the segments of `*name` joined by slashes. `nil` if the route has no such parameter.
  ///
  /// A slash that was sent as `%2F` cannot be told from a separator here. Use ``segments(of:)`` where the difference
  /// matters, for instance before a lookup in a file system.
  public subscript(name: String) -> String? {
    guard let segments = segments(of: name) else { return nil }
    return segments.count == 1 ? segments[0] : segments.joined(separator: "/")
  }

  /// Returns the segments of `*name`, which may be none, or the single value of `:name`. Returns `nil` if the route has
  /// no such parameter.
  public func segments(of name: String) -> [String]? { entries.first { $0.name == name }?.segments }

  /// Whether the route has no variable segments.
  public var isEmpty: Bool { entries.isEmpty }

  /// Decodes the parameters called `names` from the parts of `path` given by `ranges`.
  ///
  /// - Throws: ``HTTPError`` with ``Status/badRequest`` if a part cannot be decoded.
  init(_ names: [String], _ ranges: [Range<Int>], of path: ArraySlice<UInt8>) throws(HTTPError) {
    for (name, range) in zip(names, ranges) {
      var segments: [String] = []
      if !range.isEmpty {
        let part = path[(path.startIndex + range.lowerBound)..<(path.startIndex + range.upperBound)]
        for segment in part.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
          guard let text = PercentEncoding.decode(segment) else {
            throw HTTPError(.badRequest, "The path parameter \(name) contains NUL or is not UTF-8.")
          }
          segments.append(text)
        }
      }
      entries.append(Entry(name: name, segments: segments))
    }
  }
}
