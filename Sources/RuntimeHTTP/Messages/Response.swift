/// A response to a request, as returned by a ``Handler``.
///
/// The engine frames it. It sets `Content-Length`, `Transfer-Encoding`, `Connection` and `Keep-Alive` itself and does
/// not send those in ``headers`` as they are. Two of them still have an effect: `Connection: close` closes the
/// connection, and `Content-Length` gives the length of a stream that declares none, or of the content that is left out
/// of a response to HEAD or of a 304. A response to HEAD with neither content nor that field declares no length. The
/// engine adds `Date` and `Server` if ``headers`` has none.
public struct Response: Sendable {
  /// The status code.
  public var status: Status
  /// The header fields.
  public var headers: HeaderFields
  /// The content.
  public var body: ResponseBody

  /// Creates a response from its parts.
  public init(status: Status = .ok, headers: HeaderFields = [:], body: ResponseBody = .empty) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// Returns a response with plain text as its content.
  public static func text(_ text: String, status: Status = .ok) -> Response {
    Response(status: status, contentType: .plainText, body: .string(text))
  }

  /// Returns a response with HTML as its content.
  public static func html(_ html: String, status: Status = .ok) -> Response {
    Response(status: status, contentType: .html, body: .string(html))
  }

  /// Returns a response with JSON as its content, from text that is already JSON.
  public static func json(_ json: String, status: Status = .ok) -> Response {
    Response(status: status, contentType: .json, body: .string(json))
  }

  /// Returns a response with JSON as its content, from bytes that are already JSON.
  public static func json(_ json: [UInt8], status: Status = .ok) -> Response {
    Response(status: status, contentType: .json, body: .bytes(json))
  }

  private init(status: Status, contentType: MediaType, body: ResponseBody) {
    self.init(status: status, body: body)
    headers.contentType = contentType
  }
}
