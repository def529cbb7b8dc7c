/// A response: what a ``Handler`` gives back.
///
/// The engine frames it. `Content-Length`, `Transfer-Encoding`, `Connection` and `Keep-Alive` are the engine's: those
/// in ``headers`` are not sent as they are, but a `Connection: close` closes the connection, and a `Content-Length` is
/// taken as the length of a stream that has none, and of the content left out of a response to HEAD or of a 304. A
/// response to HEAD that has neither content nor that field says no length. `Date` and `Server` are added where
/// ``headers`` have none.
public struct Response: Sendable {
  /// How it went.
  public var status: Status
  /// The fields of its head.
  public var headers: HeaderFields
  /// Its content.
  public var body: ResponseBody

  /// A response with the parts given.
  public init(status: Status = .ok, headers: HeaderFields = [:], body: ResponseBody = .empty) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// A response of plain text.
  public static func text(_ text: String, status: Status = .ok) -> Response {
    Response(status: status, contentType: .plainText, body: .string(text))
  }

  /// A response of HTML.
  public static func html(_ html: String, status: Status = .ok) -> Response {
    Response(status: status, contentType: .html, body: .string(html))
  }

  /// A response of JSON, given as text that is JSON already.
  public static func json(_ json: String, status: Status = .ok) -> Response {
    Response(status: status, contentType: .json, body: .string(json))
  }

  /// A response of JSON, given as bytes that are JSON already.
  public static func json(_ json: [UInt8], status: Status = .ok) -> Response {
    Response(status: status, contentType: .json, body: .bytes(json))
  }

  private init(status: Status, contentType: MediaType, body: ResponseBody) {
    self.init(status: status, body: body)
    headers.contentType = contentType
  }
}
