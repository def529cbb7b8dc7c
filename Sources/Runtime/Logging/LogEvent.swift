/// An event for a program's log. It becomes one line.
public struct LogEvent: Hashable, Sendable {
  /// The severity of an event.
  public struct Level: Hashable, Sendable {
    /// The name of the level as written in a log: "info", "warning" or "error".
    public let name: String

    private init(_ name: String) { self.name = name }

    // Servers and runtimes use `info`, `warning` and `error`. The others are for programs, named as in syslog (RFC 5424
    // section 6.2.1) and swift-log.

    /// Single steps, for tracing a fault.
    public static let trace = Level("trace")
    /// Information that helps to find a fault.
    public static let debug = Level("debug")
    /// Normal operation.
    public static let info = Level("info")
    /// Normal operation, but possibly significant later.
    public static let notice = Level("notice")
    /// A problem that may pass: a shortage, a stall, a failed handshake.
    public static let warning = Level("warning")
    /// A failure, such as an error that a handler throws.
    public static let error = Level("error")
    /// A failure that the program may not survive.
    public static let critical = Level("critical")
  }

  /// The request that an event is about.
  public struct Context: Hashable, Sendable {
    /// The request's identifier, which links the lines of several logs.
    public let request: String
    /// The request's method.
    public let method: String
    /// The pattern of the matched route; `nil` if none matched.
    public let route: String?

    /// Creates the context of the request with this identifier.
    public init(request: String, method: String, route: String?) {
      self.request = request
      self.method = method
      self.route = route
    }
  }

  /// A named value that belongs to an event: a JSON member of its own, or `name=value` in text.
  public struct Field: Hashable, Sendable {
    /// The name.
    public let name: String
    /// The value.
    public let value: String

    /// Creates a field. Name and value may contain any characters.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The severity.
  public let level: Level
  /// What happened, on one line: control characters are escaped as in a Swift literal (`\n`, `\u{1B}`).
  public let message: String
  /// The request that the event is about, if any.
  public let context: Context?
  /// Further values that belong to the event.
  public let fields: [Field]

  /// Creates an event. `message` may contain any characters, such as text that a client has sent.
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

  /// Returns the event's line in `format` with the current time and without a newline, for programs that write lines
  /// themselves.
  public func line(_ format: LogFormat) -> String {
    var bytes: [UInt8] = []
    append(to: &bytes, format, at: .now)
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }

  /// Appends the event's line in `format`, with a newline.
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
    // Names within a JSON object should be unique (RFC 8259 section 4).
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
