public import HTTPTypes
public import RuntimeHTTP

/// A handler written in the types of swift-http-types.
///
/// ```swift
/// let handler = HTTPTypesHandler { request, context in
///   guard request.path == "/" else { return (HTTPResponse(status: .notFound), .empty) }
///   return (HTTPResponse(status: .ok, headerFields: [.contentType: "text/plain"]), .string("Hello\n"))
/// }
/// ```
///
/// Content is that of `RuntimeHTTP`: `context.body` is read as it comes, and a `ResponseBody` may be written as it goes.
public struct HTTPTypesHandler: Handler {
  /// The response to `request`, which `context` is as the engine has it: with its content, where it came from, and what
  /// middleware has left under its keys.
  public typealias Function =
    @Sendable (_ request: HTTPRequest, _ context: Request) async throws -> (HTTPResponse, ResponseBody)

  private let scheme: String
  private let function: Function

  /// A handler that answers with what `function` gives.
  ///
  /// A message that the types of the other side cannot hold becomes a 500, which is logged.
  ///
  /// - Parameter scheme: that of requests which do not say theirs: `https` behind what ends TLS.
  public init(scheme: String = "http", _ function: @escaping Function) {
    self.scheme = scheme
    self.function = function
  }

  public func respond(to request: Request) async throws -> Response {
    let (head, body) = try await function(HTTPRequest(request, scheme: scheme), request)
    return try Response(head, body: body)
  }
}

extension Request {
  /// Sends an informational response ahead of the final one, as `sendInformational(_:_:)` does.
  public func sendInformational(_ response: HTTPResponse) async throws {
    try await sendInformational(
      Status(UInt16(response.status.code)), HeaderFields(response.headerFields))
  }
}

extension RequestBody {
  /// The fields that came after the content; none before its end has been read.
  public var trailerFields: HTTPFields {
    get throws(UnrepresentableMessage) { try HTTPFields(trailers) }
  }
}

extension BodyWriter {
  /// Sets the fields to send after the content, as `setTrailers(_:)` does.
  public func setTrailers(_ trailers: HTTPFields) throws { try setTrailers(HeaderFields(trailers)) }
}
