/// Something that those who run a program may have to know of: it becomes one line of a log.
public struct LogEvent: Hashable, Sendable {
  /// How much it matters.
  public struct Level: Hashable, Sendable {
    /// As it is written in a log: "info", "warning" or "error".
    public let name: String

    private init(_ name: String) { self.name = name }

    // Servers and runtimes say `info`, `warning` and `error`. The others are for programs, and named as in syslog
    // (RFC 5424 section 6.2.1) and in swift-log.

    /// Each step of something, for finding a fault in it.
    public static let trace = Level("trace")
    /// What helps to find a fault.
    public static let debug = Level("debug")
    /// All is well.
    public static let info = Level("info")
    /// All is well, and it may matter later.
    public static let notice = Level("notice")
    /// Something does not go as it should, and may pass: a shortage, a stall, a handshake that fails.
    public static let warning = Level("warning")
    /// Something has gone wrong: a handler has failed.
    public static let error = Level("error")
    /// Something has gone wrong that the program may not survive.
    public static let critical = Level("critical")
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

  /// More that is known of it, under a name: a member of its own in JSON, and `name=value` in text.
  public struct Field: Hashable, Sendable {
    /// What it is.
    public let name: String
    /// Which it is, in this event.
    public let value: String

    /// A field; both may hold anything.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// How much it matters.
  public let level: Level
  /// What has happened, on one line: control characters are escaped as a Swift literal writes them (`\n`, `\u{1B}`).
  public let message: String
  /// The request that it is about; `nil` if it is about none.
  public let context: Context?
  /// What else is known of it.
  public let fields: [Field]

  /// An event of which `message` may hold anything, such as what a client has sent.
  public init(_ level: Level, _ message: String, about context: Context? = nil, fields: [Field] = []) {
    self.level = level
    self.message = message.onOneLine
    self.context = context
    self.fields = fields
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
    var text: [UInt8] = []
    for field in fields {
      text.append(UInt8(ascii: " "))
      text.append(escaped: field.name.utf8.span, isQuoted: false)
      text.append(text: "=\"")
      text.append(escaped: field.value.utf8.span)
      text.append(UInt8(ascii: "\""))
    }
    return line + String(decoding: text, as: UTF8.self)
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
    if !fields.isEmpty { appendFields(to: &bytes) }
    bytes.append(text: "}\n")
  }

  private func appendFields(to bytes: inout [UInt8]) {
    // A member's name is there once (RFC 8259 section 4).
    var names: Set = ["time", "level", "message"]
    if context != nil { names.formUnion(["request_id", "method", "route"]) }
    for field in fields {
      var name = field.name
      while !names.insert(name).inserted { name += "_" }
      bytes.append(UInt8(ascii: ","))
      bytes.append(json: name.utf8.span)
      bytes.append(UInt8(ascii: ":"))
      bytes.append(json: field.value.utf8.span)
    }
  }
}
