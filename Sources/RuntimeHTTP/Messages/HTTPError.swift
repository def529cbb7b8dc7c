/// An error that describes the response to send. Handlers throw it, and the engine throws it for invalid requests.
///
/// Any other error from a handler becomes a 500 and is logged; the client gets none of its text. `BlockingWorkRefused`
/// becomes a 503 with `Retry-After` and is not logged, because the runtime counts it.
public struct HTTPError: Error, Hashable, Sendable {
  /// The status of the response.
  public var status: Status
  /// A message for the client, in plain text. If `nil`, the client gets the status as text.
  public var message: String?
  /// Header fields of the response, such as `Allow` or `Retry-After`.
  public var headers: HeaderFields

  /// Creates an error that becomes a response with `status`.
  public init(_ status: Status, _ message: String? = nil, headers: HeaderFields = [:]) {
    self.status = status
    self.message = message
    self.headers = headers
  }

  /// The response for this error: the message as plain text. ``ServerOptions/errorResponse`` can replace it.
  public var response: Response {
    var response = Response.text((message ?? status.description) + "\n", status: status)
    for (name, value) in headers { response.headers[name] = value }
    return response
  }
}

extension HTTPError {
  /// The error for a request that does not fit into ``ServerOptions/maximumHeldLength``.
  static var shortOfMemory: HTTPError { HTTPError(.serviceUnavailable, "The server is short of memory.") }
}

extension HTTPError: CustomStringConvertible {
  /// The status, and the message if there is one.
  public var description: String { message.map { "\(status): \($0)" } ?? "\(status)" }
}
