public import HTTPTypes
public import RuntimeHTTP

/// A handler written with the types of swift-http-types.
///
/// ```swift
/// let handler = HTTPTypesHandler { request, context in
///   guard request.path == "/" else { return (HTTPResponse(status: .notFound), .empty) }
///   return (HTTPResponse(status: .ok, headerFields: [.contentType: "text/plain"]), .string("Hello\n"))
/// }
/// ```
///
/// The content uses the types of `RuntimeHTTP`: `context.body` streams the request's content, and a `ResponseBody` may
/// stream the response's.
public struct HTTPTypesHandler: Handler {
  /// A function that responds to `request`. `context` is the same request as the engine represents it, with its
  /// content, its remote address and the values set by middleware.
  public typealias Function =
    @Sendable (_ request: HTTPRequest, _ context: Request) async throws -> (HTTPResponse, ResponseBody)

  private let scheme: String
  private let function: Function

  /// Creates a handler that responds with the result of `function`.
  ///
  /// A message that the types of the other library cannot represent becomes a 500 and is logged.
  ///
  /// - Parameter scheme: the scheme of requests that do not contain one: `https` behind a TLS proxy.
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
  /// Sends an informational response before the final one. See `sendInformational(_:_:)`.
  public func sendInformational(_ response: HTTPResponse) async throws {
    try await sendInformational(
      Status(UInt16(response.status.code)), HeaderFields(response.headerFields))
  }
}

extension RequestBody {
  /// The fields that followed the content; empty until its end has been read.
  public var trailerFields: HTTPFields {
    get throws(UnrepresentableMessage) { try HTTPFields(trailers) }
  }
}

extension BodyWriter {
  /// Sets the fields to send after the content. See `setTrailers(_:)`.
  public func setTrailers(_ trailers: HTTPFields) throws { try setTrailers(HeaderFields(trailers)) }
}
