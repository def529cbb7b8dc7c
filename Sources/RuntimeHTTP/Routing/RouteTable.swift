import Glibc

/// The routes of a ``Router`` as a tree with a node for each segment, so that a path is matched in one walk over its
/// bytes. A path without parameters is matched without allocating anything.
struct RouteTable: Sendable {
  /// What answers the requests of one method to one path.
  struct Route: Sendable {
    let method: Method
    let path: String
    /// The names of the path's parameters, in order. They belong to the route: `GET /a/:x` and `PUT /a/:y` share nodes.
    let parameterNames: [String]
    let respond: @Sendable (Request) async throws -> Response
  }

  /// Where a path led.
  struct Match {
    /// The routes of that path, one a method; never empty.
    let routes: [Route]
    /// Where in the path's bytes the parameters are.
    let captures: [Range<Int>]
  }

  private struct Node {
    var literals: [(text: [UInt8], child: Int)] = []
    var parameter: Int?
    var rest: Int?
    var routes: [Route] = []
  }

  private var nodes = [Node()]

  /// The methods of all routes.
  var methods: Set<Method> { nodes.reduce(into: []) { $0.formUnion($1.routes.map(\.method)) } }
}

// MARK: - Matching

extension RouteTable {
  /// The routes of the path that `path` fits best; `nil` if it fits none.
  func match(_ path: ArraySlice<UInt8>) -> Match? {
    guard path.first == UInt8(ascii: "/") else { return nil }
    var captures: [Range<Int>] = []
    guard let node = find(path, from: path.startIndex + 1, under: 0, &captures) else { return nil }
    return Match(routes: nodes[node].routes, captures: captures)
  }

  /// The node that the segments from `start` on lead to. A literal is tried before a parameter and that before a rest;
  /// where one leads nowhere, the next is tried. Each node is looked at once at most.
  private func find(
    _ path: ArraySlice<UInt8>, from start: Int, under index: Int, _ captures: inout [Range<Int>]
  ) -> Int? {
    guard start <= path.endIndex else { return nodes[index].routes.isEmpty ? nil : index }
    let end = path[start...].firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
    let segment = path[start..<end]
    for literal in nodes[index].literals where PercentEncoding.matches(segment, literal.text) {
      if let found = find(path, from: end + 1, under: literal.child, &captures) { return found }
    }
    if let child = nodes[index].parameter, !segment.isEmpty {
      captures.append(start..<end)
      if let found = find(path, from: end + 1, under: child, &captures) { return found }
      captures.removeLast()
    }
    if let child = nodes[index].rest {
      captures.append(start..<path.endIndex)
      return child
    }
    return nil
  }
}

// MARK: - Registering

extension RouteTable {
  private enum Segment {
    case literal([UInt8])
    case parameter(String)
    case rest(String)
  }

  /// Adds a route, or ends the process if there is no sense in it.
  mutating func add(_ method: Method, _ path: String, _ respond: @escaping @Sendable (Request) async throws -> Response)
  {
    let segments = Self.segments(of: path)
    var index = 0
    var names: [String] = []
    for segment in segments {
      switch segment {
      case .literal(let text): index = child(of: index, text)
      case .parameter(let name):
        names.append(name)
        index = child(of: index, \.parameter)
      case .rest(let name):
        names.append(name)
        index = child(of: index, \.rest)
      }
    }
    if Set(names).count < names.count { reject(path, "two parameters have the same name") }
    if let other = nodes[index].routes.first(where: { $0.method == method }) {
      reject(path, "\(method) \(other.path) is registered already")
    }
    nodes[index].routes.append(Route(method: method, path: path, parameterNames: names, respond: respond))
  }

  private mutating func child(of index: Int, _ text: [UInt8]) -> Int {
    if let literal = nodes[index].literals.first(where: { $0.text == text }) { return literal.child }
    nodes[index].literals.append((text, nodes.count))
    nodes.append(Node())
    return nodes.count - 1
  }

  private mutating func child(of index: Int, _ kind: WritableKeyPath<Node, Int?>) -> Int {
    if let child = nodes[index][keyPath: kind] { return child }
    nodes[index][keyPath: kind] = nodes.count
    nodes.append(Node())
    return nodes.count - 1
  }

  private static func segments(of path: String) -> [Segment] {
    guard path.hasPrefix("/") else { reject(path, "it does not begin with a slash") }
    if path.contains(where: { $0 == "?" || $0 == "#" }) { reject(path, "a query or a fragment is no part of it") }
    if path.contains("%") { reject(path, "it is written decoded, without %") }
    let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    return parts.enumerated().map { position, part in
      guard let mark = part.first, mark == ":" || mark == "*" else { return .literal(Array(part.utf8)) }
      let name = String(part.dropFirst())
      if name.isEmpty { reject(path, "a parameter has no name") }
      if mark == ":" { return .parameter(name) }
      if position < parts.count - 1 { reject(path, "only its last segment can be a *rest") }
      return .rest(name)
    }
  }
}

/// Ends the process over a route that the program should not have registered.
private func reject(_ path: String, _ reason: String) -> Never {
  let message = "The route \(path.debugDescription) cannot be registered: \(reason)."
  // An optimised build leaves out what `preconditionFailure` would say, so it is said here.
  let line = Array("\(message)\n".utf8)
  _ = write(STDERR_FILENO, line, line.count)
  preconditionFailure(message)
}
