/// A type that responds to requests. This is the part of a server that an application implements.
public protocol Handler: Sendable {
  /// Returns the response to `request`.
  ///
  /// Over HTTP/1, the connection's own task calls this, for one request after another. Over HTTP/2, each request has a
  /// task, and many requests of a connection are handled at once. Both run on the executor of the connection. The task
  /// is cancelled when the client takes too long to send the request's body (HTTP/1), when the client resets the stream
  /// (HTTP/2) or disconnects, and when the grace period of a shutdown ends. An ``HTTPError`` becomes the response that
  /// it describes; any other error becomes a 500.
  func respond(to request: Request) async throws -> Response

  /// Returns the response to `request` if this needs no waiting, in a plain call.
  ///
  /// If the request has no content, this is called before ``respond(to:)``, in the task that reads the connection. Work
  /// that takes long here delays all other requests of the connection. A connection whose requests are all answered
  /// this way needs less memory and less time for each of them: over HTTP/2 they need no task, and over HTTP/1 the
  /// responses to requests that arrived together are sent together. Errors become responses in the same way as those of
  /// ``respond(to:)``.
  ///
  /// - Returns: `nil`, the default, if ``respond(to:)`` should be called.
  func respondAtOnce(to request: Request) throws -> Response?
}

extension Handler {
  /// Returns `nil`, so that ``respond(to:)`` is called.
  public func respondAtOnce(to request: Request) throws -> Response? { nil }
}
