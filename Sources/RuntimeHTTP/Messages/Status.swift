/// A response status code (RFC 9110 section 15).
public struct Status: Hashable, Sendable {
  /// The three-digit code. Valid codes are in 100...599.
  public let code: UInt16

  /// Creates a status from its code. A response whose code is not in 200...599 is sent as a 500, since it cannot be a
  /// final response.
  public init(_ code: UInt16) { self.code = code }

  /// Whether the code is 1xx: an interim response.
  public var isInformational: Bool { 100..<200 ~= code }
  /// Whether the code is 2xx: the request succeeded.
  public var isSuccess: Bool { 200..<300 ~= code }
  /// Whether the code is 3xx: the client has to take further action.
  public var isRedirection: Bool { 300..<400 ~= code }
  /// Whether the code is 4xx: the client made an error.
  public var isClientError: Bool { 400..<500 ~= code }
  /// Whether the code is 5xx: the server failed.
  public var isServerError: Bool { 500..<600 ~= code }

  /// Whether a final response can have this status.
  var isFinal: Bool { 200..<600 ~= code }

  /// Whether a response with this status has no content, regardless of its fields (RFC 9110 section 6.4.1).
  var forbidsContent: Bool { isInformational || code == 204 || code == 304 }
}

extension Status {
  /// 100 Continue
  public static let `continue` = Status(100)
  /// 101 Switching Protocols
  public static let switchingProtocols = Status(101)
  /// 103 Early Hints
  public static let earlyHints = Status(103)
  /// 200 OK
  public static let ok = Status(200)
  /// 201 Created
  public static let created = Status(201)
  /// 202 Accepted
  public static let accepted = Status(202)
  /// 203 Non-Authoritative Information
  public static let nonAuthoritativeInformation = Status(203)
  /// 204 No Content
  public static let noContent = Status(204)
  /// 205 Reset Content
  public static let resetContent = Status(205)
  /// 206 Partial Content
  public static let partialContent = Status(206)
  /// 300 Multiple Choices
  public static let multipleChoices = Status(300)
  /// 301 Moved Permanently
  public static let movedPermanently = Status(301)
  /// 302 Found
  public static let found = Status(302)
  /// 303 See Other
  public static let seeOther = Status(303)
  /// 304 Not Modified
  public static let notModified = Status(304)
  /// 307 Temporary Redirect
  public static let temporaryRedirect = Status(307)
  /// 308 Permanent Redirect
  public static let permanentRedirect = Status(308)
  /// 400 Bad Request
  public static let badRequest = Status(400)
  /// 401 Unauthorized
  public static let unauthorized = Status(401)
  /// 402 Payment Required
  public static let paymentRequired = Status(402)
  /// 403 Forbidden
  public static let forbidden = Status(403)
  /// 404 Not Found
  public static let notFound = Status(404)
  /// 405 Method Not Allowed
  public static let methodNotAllowed = Status(405)
  /// 406 Not Acceptable
  public static let notAcceptable = Status(406)
  /// 407 Proxy Authentication Required
  public static let proxyAuthenticationRequired = Status(407)
  /// 408 Request Timeout
  public static let requestTimeout = Status(408)
  /// 409 Conflict
  public static let conflict = Status(409)
  /// 410 Gone
  public static let gone = Status(410)
  /// 411 Length Required
  public static let lengthRequired = Status(411)
  /// 412 Precondition Failed
  public static let preconditionFailed = Status(412)
  /// 413 Content Too Large
  public static let contentTooLarge = Status(413)
  /// 414 URI Too Long
  public static let uriTooLong = Status(414)
  /// 415 Unsupported Media Type
  public static let unsupportedMediaType = Status(415)
  /// 416 Range Not Satisfiable
  public static let rangeNotSatisfiable = Status(416)
  /// 417 Expectation Failed
  public static let expectationFailed = Status(417)
  /// 421 Misdirected Request
  public static let misdirectedRequest = Status(421)
  /// 422 Unprocessable Content
  public static let unprocessableContent = Status(422)
  /// 425 Too Early
  public static let tooEarly = Status(425)
  /// 426 Upgrade Required
  public static let upgradeRequired = Status(426)
  /// 428 Precondition Required
  public static let preconditionRequired = Status(428)
  /// 429 Too Many Requests
  public static let tooManyRequests = Status(429)
  /// 431 Request Header Fields Too Large
  public static let requestHeaderFieldsTooLarge = Status(431)
  /// 500 Internal Server Error
  public static let internalServerError = Status(500)
  /// 501 Not Implemented
  public static let notImplemented = Status(501)
  /// 502 Bad Gateway
  public static let badGateway = Status(502)
  /// 503 Service Unavailable
  public static let serviceUnavailable = Status(503)
  /// 504 Gateway Timeout
  public static let gatewayTimeout = Status(504)
  /// 505 HTTP Version Not Supported
  public static let httpVersionNotSupported = Status(505)
}

extension Status: CustomStringConvertible {
  /// The standard phrase for the code, or an empty string if it has none.
  public var reasonPhrase: String { text.map { String("\($0)".dropFirst(4)) } ?? "" }

  /// The code and the phrase, such as `404 Not Found`.
  public var description: String { text.map { "\($0)" } ?? "\(code)" }

  /// The code and the phrase as a constant, so that sending them creates no `String`.
  fileprivate var text: StaticString? {
    switch code {
    case 100: "100 Continue"
    case 101: "101 Switching Protocols"
    case 102: "102 Processing"
    case 103: "103 Early Hints"
    case 200: "200 OK"
    case 201: "201 Created"
    case 202: "202 Accepted"
    case 203: "203 Non-Authoritative Information"
    case 204: "204 No Content"
    case 205: "205 Reset Content"
    case 206: "206 Partial Content"
    case 300: "300 Multiple Choices"
    case 301: "301 Moved Permanently"
    case 302: "302 Found"
    case 303: "303 See Other"
    case 304: "304 Not Modified"
    case 307: "307 Temporary Redirect"
    case 308: "308 Permanent Redirect"
    case 400: "400 Bad Request"
    case 401: "401 Unauthorized"
    case 402: "402 Payment Required"
    case 403: "403 Forbidden"
    case 404: "404 Not Found"
    case 405: "405 Method Not Allowed"
    case 406: "406 Not Acceptable"
    case 407: "407 Proxy Authentication Required"
    case 408: "408 Request Timeout"
    case 409: "409 Conflict"
    case 410: "410 Gone"
    case 411: "411 Length Required"
    case 412: "412 Precondition Failed"
    case 413: "413 Content Too Large"
    case 414: "414 URI Too Long"
    case 415: "415 Unsupported Media Type"
    case 416: "416 Range Not Satisfiable"
    case 417: "417 Expectation Failed"
    case 421: "421 Misdirected Request"
    case 422: "422 Unprocessable Content"
    case 425: "425 Too Early"
    case 426: "426 Upgrade Required"
    case 428: "428 Precondition Required"
    case 429: "429 Too Many Requests"
    case 431: "431 Request Header Fields Too Large"
    case 500: "500 Internal Server Error"
    case 501: "501 Not Implemented"
    case 502: "502 Bad Gateway"
    case 503: "503 Service Unavailable"
    case 504: "504 Gateway Timeout"
    case 505: "505 HTTP Version Not Supported"
    default: nil
    }
  }
}

extension ByteBuffer {
  /// Appends the code of `status`, a space, and the reason phrase if there is one (RFC 9112 section 4).
  mutating func append(_ status: Status) {
    if let text = status.text { return append(text) }
    append(decimal: Int(status.code))
    append(UInt8(ascii: " "))
  }
}
