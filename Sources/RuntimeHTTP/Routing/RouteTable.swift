import Runtime

/// The routes of a ``Router`` as a tree with one node per segment, so that matching a path takes a single walk over its
/// bytes. Matching a path without parameters does not allocate.
struct RouteTable: Sendable {
  /// The result of a lookup.
  enum Finding {
    /// The endpoint, and its parameters if it has some.
    case endpoint(Endpoint, PathParameters?)
    /// The path has routes, but only for these methods.
    case otherMethods([Method])
    case nothing
  }

  private struct Node {
    var parameter: Int?
    var rest: Int?
    /// The endpoints in the order of their registration.
    var endpoints: [Endpoint] = []
  }

  private var nodes = [Node()]
  private var literals = SegmentTable()

  /// The methods of all routes, each once, in the order of their first registration.
  private(set) var methods: [Method] = []
}

// MARK: - Matching

extension RouteTable {
  /// Looks up the endpoint for `request`.
  ///
  /// - Throws: ``HTTPError`` with ``Status/badRequest`` if the path cannot be decoded.
  func find(_ request: Request) throws(HTTPError) -> Finding {
    let path = request.pathBytes
    let hasEscapes = path.span.firstIndex(of: UInt8(ascii: "%")) != nil
    guard !hasEscapes || PercentEncoding.isWellFormed(path.span) else {
      throw HTTPError(.badRequest, "A % in the path is not followed by two hexadecimal digits.")
    }
    guard path.first == UInt8(ascii: "/") else { return .nothing }
    var captures: [Range<Int>] = []
    guard let node = find(path.span, hasEscapes, from: 1, under: 0, &captures) else { return .nothing }
    guard let endpoint = endpoint(for: request.method, at: node) else {
      return .otherMethods(nodes[node].endpoints.map(\.route.method))
    }
    if captures.isEmpty { return .endpoint(endpoint, nil) }
    return .endpoint(endpoint, try PathParameters(endpoint.parameterNames, captures, of: path))
  }

  /// Returns the endpoint for `method` at `node`. The one for GET also answers HEAD, unless HEAD has its own.
  private func endpoint(for method: Method, at node: Int) -> Endpoint? {
    for endpoint in nodes[node].endpoints where endpoint.route.method == method { return endpoint }
    return method == .head ? endpoint(for: .get, at: node) : nil
  }

  /// Returns the node that the segments from `start` on lead to. Tries literals first, then the parameter, then the
  /// rest, and backtracks if one leads nowhere. Visits each node at most once.
  private func find(
    _ path: Span<UInt8>, _ hasEscapes: Bool, from start: Int, under index: Int, _ captures: inout [Range<Int>]
  ) -> Int? {
    guard start <= path.count else { return nodes[index].endpoints.isEmpty ? nil : index }
    let end = path.firstIndex(of: UInt8(ascii: "/"), from: start) ?? path.count
    let segment = path.extracting(start..<end)
    if let child = hasEscapes ? decodedChild(of: index, for: segment) : literals.child(of: index, for: segment),
      let found = find(path, hasEscapes, from: end + 1, under: child, &captures)
    {
      return found
    }
    if let child = nodes[index].parameter, !segment.isEmpty {
      captures.append(start..<end)
      if let found = find(path, hasEscapes, from: end + 1, under: child, &captures) { return found }
      captures.removeLast()
    }
    if let child = nodes[index].rest {
      captures.append(start..<path.count)
      return child
    }
    return nil
  }

  /// Decodes `segment`, whose escapes must be well-formed, and returns the node for it.
  @inline(never)
  private func decodedChild(of index: Int, for segment: Span<UInt8>) -> Int? {
    literals.child(of: index, for: PercentEncoding.decoded(segment).span)
  }
}

// MARK: - Registering

extension RouteTable {
  private enum Segment {
    case literal([UInt8])
    case parameter(String)
    case rest(String)
  }

  /// Adds a route with `outer` in front of its middleware. Ends the process if the route is invalid.
  mutating func add(_ route: Route, outerMiddleware outer: [any Middleware]) {
    let (method, path) = (route.method, route.path)
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
    if let other = nodes[index].endpoints.first(where: { $0.route.method == method })?.route {
      reject(path, "\(method) \(other.path) is registered already")
    }
    nodes[index].endpoints.append(Endpoint(route, parameterNames: names, outerMiddleware: outer))
    if !methods.contains(method) { methods.append(method) }
  }

  /// Puts `outer` in front of all routes, replacing the middleware that was there before.
  mutating func setOuterMiddleware(_ outer: [any Middleware]) {
    for index in nodes.indices {
      nodes[index].endpoints = nodes[index].endpoints.map { $0.withOuterMiddleware(outer) }
    }
  }

  private mutating func child(of index: Int, _ segment: [UInt8]) -> Int {
    if let child = literals.child(of: index, for: segment.span) { return child }
    literals.add(nodes.count, under: index, for: segment.span)
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
    if path.contains(where: { $0 == "?" || $0 == "#" }) { reject(path, "it must not contain a query or a fragment") }
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

/// Ends the process because of an invalid route.
func reject(_ path: String, _ reason: String) -> Never {
  let message = "The route \(path.debugDescription) cannot be registered: \(reason)."
  // An optimised build omits the message of `preconditionFailure`, so it is printed here.
  LineWriter.standardError.write(message)
  LineWriter.standardError.flush(within: .seconds(1))
  preconditionFailure(message)
}
