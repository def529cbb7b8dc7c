/// An error that says which response it wants to be: thrown by a handler, or by the engine for a request that is wrong.
///
/// Any other error a handler throws is a 500 and is logged; nothing of it is sent. `BlockingWorkRefused` is a 503 with
/// `Retry-After`, and is not logged: the runtime counts it.
public struct HTTPError: Error, Hashable, Sendable {
  /// The status of the response.
  public var status: Status
  /// What to tell the client, in plain text; the status alone if `nil`.
  public var message: String?
  /// Fields of the response, as `Allow` or `Retry-After`.
  public var headers: HeaderFields

  /// An error that becomes a response with `status`.
  public init(_ status: Status, _ message: String? = nil, headers: HeaderFields = [:]) {
    self.status = status
    self.message = message
    self.headers = headers
  }

  /// The response that the error becomes, unless ``ServerOptions/errorResponse`` makes another: the message as plain text.
  public var response: Response {
    var response = Response.text((message ?? status.description) + "\n", status: status)
    for (name, value) in headers { response.headers[name] = value }
    return response
  }
}

extension HTTPError {
  /// What a request gets for which there is no room in ``ServerOptions/maximumHeldLength``.
  static var shortOfMemory: HTTPError { HTTPError(.serviceUnavailable, "The server is short of memory.") }
}

extension HTTPError: CustomStringConvertible {
  /// The status and, where there is one, the message.
  public var description: String { message.map { "\(status): \($0)" } ?? "\(status)" }
}
