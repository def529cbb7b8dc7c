public import HTTPTypes
public import RuntimeHTTP

extension HTTPResponse {
  /// Creates the head of `response` as a handler has created it, before the engine frames it.
  ///
  /// - Throws: ``UnrepresentableMessage`` for a status over 999, which no server sends, or for 65,535 fields or more.
  public init(_ response: Response) throws(UnrepresentableMessage) {
    self.init(
      status: try HTTPResponse.Status(response.status), headerFields: try HTTPFields(response.headers))
  }
}

extension HTTPResponse.Status {
  /// Creates the same status, with its usual reason phrase.
  fileprivate init(_ status: RuntimeHTTP.Status) throws(UnrepresentableMessage) {
    guard status.code <= 999 else { throw UnrepresentableMessage(.status(Int(status.code))) }
    self.init(code: Int(status.code), reasonPhrase: status.reasonPhrase)
  }
}

extension Response {
  /// Creates a response with the head `response`.
  ///
  /// The reason phrase is dropped: the engine sends the usual one in HTTP/1, and HTTP/2 has none. A status that is not
  /// final (200 to 599) becomes a 500, as for any handler.
  ///
  /// - Throws: the errors of `HeaderFields.init(_:)`.
  public init(_ response: HTTPResponse, body: ResponseBody = .empty) throws(InvalidHeaderField) {
    self.init(
      status: RuntimeHTTP.Status(UInt16(response.status.code)), headers: try HeaderFields(response.headerFields),
      body: body)
  }
}
