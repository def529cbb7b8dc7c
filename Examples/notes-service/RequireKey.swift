import RuntimeHTTP

/// A middleware that requires a key, and tells handlers which caller the key belongs to.
struct RequireKey: ImmediateMiddleware {
  /// The names of the callers, by key.
  let callers: [String: String]

  func before(_ request: inout Request) throws -> Response? {
    let words = request.headers["Authorization"]?.split(separator: " ") ?? []
    guard words.count == 2, words[0].lowercased() == "bearer", let caller = callers[String(words[1])] else {
      throw HTTPError(.unauthorized, "This needs a key.", headers: ["WWW-Authenticate": "Bearer"])
    }
    request[CallerKey.self] = caller
    return nil
  }
}

private enum CallerKey: RequestKey {
  typealias Value = String
}

extension Request {
  /// The name of the authenticated caller.
  ///
  /// - Throws: ``HTTPError`` with ``Status/unauthorized`` if the route is not behind ``RequireKey``.
  var caller: String {
    get throws(HTTPError) {
      guard let caller = self[CallerKey.self] else { throw HTTPError(.unauthorized) }
      return caller
    }
  }
}
