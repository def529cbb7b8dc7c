/// Something that those who run a program may have to know of: it becomes one line of a log.
public struct LogEvent: Hashable, Sendable {
  /// How much it matters.
  public struct Level: Hashable, Sendable {
    /// As it is written in a log: "info", "warning" or "error".
    public let name: String

    private init(_ name: String) { self.name = name }

    /// All is well.
    public static let info = Level("info")
    /// Something does not go as it should, and may pass: a shortage, a stall, a handshake that fails.
    public static let warning = Level("warning")
    /// Something has gone wrong: a handler has failed.
    public static let error = Level("error")
  }

  /// Where it comes in: a request that it is about.
  public struct Context: Hashable, Sendable {
    /// The request's identity, by which lines of several logs can be joined.
    public let request: String
    /// The request's method.
    public let method: String
    /// The pattern of the route that was found for it; `nil` for none.
    public let route: String?

    /// About the request with this identity.
    public init(request: String, method: String, route: String?) {
      self.request = request
      self.method = method
      self.route = route
    }
  }

  /// How much it matters.
  public let level: Level
  /// What has happened, on one line: control characters are escaped as a Swift literal writes them (`\n`, `\u{1B}`).
  public let message: String
  /// The request that it is about; `nil` if it is about none.
  public let context: Context?

  /// An event of which `message` may hold anything, such as what a client has sent.
  public init(_ level: Level, _ message: String, about context: Context? = nil) {
    self.level = level
    self.message = message.onOneLine
    self.context = context
  }
}

extension LogEvent: CustomStringConvertible {
  /// The line of text without its time: `error: GET /fail: Failure() (request 5f0c6a1b2d3e-1-4, GET, route /fail)`.
  public var description: String {
    var line = "\(level.name): \(message)"
    if let context {
      line += " (request \(context.request), \(context.method)"
      if let route = context.route { line += ", route \(route.onOneLine)" }
      line += ")"
    }
    return line
  }

  /// The line that it is in `format` at the present time, without its end: for programs that write lines by themselves.
  public func line(_ format: LogFormat) -> String {
    var bytes: [UInt8] = []
    append(to: &bytes, format, at: .now)
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }

  /// Appends the line that it is in `format`, with its end.
  func append(to bytes: inout [UInt8], _ format: LogFormat, at time: WallTime) {
    guard format == .json else {
      time.appendRFC3339(to: &bytes)
      bytes.append(UInt8(ascii: " "))
      bytes.append(contentsOf: description.utf8)
      bytes.append(UInt8(ascii: "\n"))
      return
    }
    bytes.append(text: "{\"time\":\"")
    time.appendRFC3339(to: &bytes)
    bytes.append(text: "\",\"level\":")
    bytes.append(json: level.name.utf8.span)
    bytes.append(text: ",\"message\":")
    bytes.append(json: message.utf8.span)
    if let context {
      bytes.append(text: ",\"request_id\":")
      bytes.append(json: context.request.utf8.span)
      bytes.append(text: ",\"method\":")
      bytes.append(json: context.method.utf8.span)
      if let route = context.route {
        bytes.append(text: ",\"route\":")
        bytes.append(json: route.utf8.span)
      }
    }
    bytes.append(text: "}\n")
  }
}
