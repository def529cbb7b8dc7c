/// Answers requests: the part of a server that its users write.
public protocol Handler: Sendable {
  /// The response to `request`.
  ///
  /// Over HTTP/1 it is called in the connection's own task, one request of a connection after another; over HTTP/2 in a
  /// task of its own, many of a connection at once. Either is on the executor the connection runs on. The task is
  /// cancelled when the client takes too long over the request's body (HTTP/1), when it resets the stream (HTTP/2) or is
  /// gone, and when the server is out of patience while it shuts down. An ``HTTPError`` becomes the response it asks
  /// for, any other error a 500.
  func respond(to request: Request) async throws -> Response

  /// The response to `request`, if it can be given in a plain call: without waiting for anything.
  ///
  /// It is asked for first, where the request has no content, in the task that reads the connection: what takes long
  /// here keeps all other requests of the connection waiting. A connection whose requests are all answered so needs less
  /// memory, and each of them less time; over HTTP/2 they do without a task each, and over HTTP/1 the answers to requests
  /// that came together leave together. What it throws becomes a response as what ``respond(to:)`` throws does.
  ///
  /// - Returns: `nil` where ``respond(to:)`` is to be called, which is the default.
  func respondAtOnce(to request: Request) throws -> Response?
}

extension Handler {
  public func respondAtOnce(to request: Request) throws -> Response? { nil }
}
