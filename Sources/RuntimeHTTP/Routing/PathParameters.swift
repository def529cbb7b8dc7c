/// What the variable segments of a route's path stood for in a request, percent-decoded.
///
/// With the route `/users/:id/files/*rest`, a request for `/users/7/files/a/b%2Fc` has `parameters["id"] == "7"`,
/// `parameters["rest"] == "a/b/c"` and `parameters.segments(of: "rest") == ["a", "b/c"]`.
public struct PathParameters: Sendable, Hashable {
  private struct Entry: Sendable, Hashable {
    let name: String
    let segments: [String]
  }

  private var entries: [Entry] = []

  /// No parameters.
  public init() {}

  /// The value of `:name`, or the segments of `*name` with slashes between them.
  ///
  /// A slash that came as `%2F` is a slash here too. Where it matters which is which, as it does before a path is looked
  /// up in a file system, use ``segments(of:)``.
  public subscript(name: String) -> String? {
    guard let segments = segments(of: name) else { return nil }
    return segments.count == 1 ? segments[0] : segments.joined(separator: "/")
  }

  /// The segments that `*name` stood for, none if it stood for nothing; the only one of `:name`.
  public func segments(of name: String) -> [String]? { entries.first { $0.name == name }?.segments }

  /// Whether the route has no variable segments.
  public var isEmpty: Bool { entries.isEmpty }

  /// The parameters called `names`, whose values are in `path` where `ranges` say.
  ///
  /// - Throws: ``HTTPError`` with ``Status/badRequest`` if one of them cannot be decoded.
  init(_ names: [String], _ ranges: [Range<Int>], of path: ArraySlice<UInt8>) throws(HTTPError) {
    for (name, range) in zip(names, ranges) {
      var segments: [String] = []
      if !range.isEmpty {
        let part = path[(path.startIndex + range.lowerBound)..<(path.startIndex + range.upperBound)]
        for segment in part.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
          guard let text = PercentEncoding.decode(segment) else {
            throw HTTPError(.badRequest, "The path holds NUL or is not UTF-8 where its parameter \(name) is.")
          }
          segments.append(text)
        }
      }
      entries.append(Entry(name: name, segments: segments))
    }
  }
}
