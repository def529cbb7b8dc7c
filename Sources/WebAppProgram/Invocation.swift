import Runtime
import RuntimeHTTP
import RuntimeSelection
import WebApp

/// What the command line and the environment ask for. A flag goes before its variable, and of a flag given twice the
/// last one counts; a variable that is empty counts as not set.
enum Invocation: Equatable {
  case serve(Options)
  case help
  case version
  case listRuntimes

  /// Reads `arguments`, those after the program's name, and the variables that `variable` looks up.
  init(_ arguments: some Sequence<String>, variable: (String) -> String?) throws(UsageError) {
    var flags: [Setting: String] = [:]
    var (isDemo, reusesPort) = (false, false)
    var views: WebAppViews = []
    var remaining = Array(arguments)[...]
    while let argument = remaining.popFirst() {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let (flag, inlineValue) = (parts[0], parts.count == 2 ? parts[1] : nil)
      if let setting = Setting(flag: flag) {
        if let inlineValue {
          flags[setting] = inlineValue
        } else if let next = remaining.first, !next.hasPrefix("--") {
          flags[setting] = remaining.removeFirst()
        } else {
          throw UsageError("\(flag) needs a value: \(setting.choices)")
        }
        continue
      }
      let plain = [
        "--demo", "--reuse-port", "--metrics", "--console", "--list-runtimes", "--help", "-h", "--version",
      ]
      guard plain.contains(flag) else {
        throw UsageError(
          argument.hasPrefix("-") && argument != "-"
            ? "\(flag.debugDescription) is no flag of this program"
            : "\(argument.debugDescription) is one argument too many: there are flags only")
      }
      if inlineValue != nil { throw UsageError("\(flag) takes no value") }
      switch flag {
      case "--demo": isDemo = true
      case "--reuse-port": reusesPort = true
      case "--metrics": views.insert(.metrics)
      case "--console": views.insert(.console)
      case "--list-runtimes":
        self = .listRuntimes
        return
      case "--version":
        self = .version
        return
      default:
        self = .help
        return
      }
    }
    do throws(InvalidSetting) {
      var options = try Options(flags: flags, variable: variable, isDemo: isDemo, views: views)
      options.reusesPort = reusesPort
      self = .serve(options)
    } catch {
      throw UsageError("\(error)")
    }
  }
}

/// How to serve.
struct Options: Equatable {
  var runtime = RuntimeSettings()
  /// Where to listen; with port 0 the system chooses one.
  var address = SocketAddress.loopback(port: 7878)
  /// Whether other processes may listen there too.
  var reusesPort = false
  /// Whether to offer what goes wrong on purpose.
  var isDemo = false
  /// How many processes to serve with, under a supervisor; with 0 this one serves by itself.
  var processes = 0
  /// How long one of them may give no sign of life.
  var heartbeatLimit = Duration.seconds(30)
  /// How long connections without a request are kept at the end.
  var idleGrace = Duration.zero
  /// What it shows of itself.
  var views: WebAppViews = []
  var logs = Logs.Settings()
  /// What is done when there is too much to do, if anything.
  var overload: OverloadOptions.Response?
}

extension Options {
  /// What `flags` say, then what the environment says, then the usual.
  fileprivate init(
    flags: [Setting: String], variable: (String) -> String?, isDemo: Bool, views: WebAppViews
  ) throws(InvalidSetting) {
    /// The value in effect, and what it was given by.
    func given(_ setting: Setting) -> (value: String, name: String)? {
      if let value = flags[setting] { return (value, setting.flag) }
      guard let value = variable(setting.variable), !value.isEmpty else { return nil }
      return (value, setting.variable)
    }
    if let (value, name) = given(.runtime) { runtime.kind = try SettingFormat.runtime.value(value, of: name) }
    if let (value, name) = given(.workers) {
      runtime.workers = try SettingFormat.workers.value(value, of: name)
    }
    if let (value, name) = given(.relief) {
      runtime.reliefWorkers = try SettingFormat.relief.value(value, of: name)
    }
    var port: UInt16 = 7878
    if let (value, name) = given(.port) { port = UInt16(try SettingFormat.port.value(value, of: name)) }
    address = .loopback(port: port)
    if let (value, name) = given(.host) {
      guard let parsed = SocketAddress(host: value == "localhost" ? "127.0.0.1" : value, port: port) else {
        throw InvalidSetting(name, value: value, choices: Setting.host.choices)
      }
      address = parsed
    }
    self.isDemo = isDemo
    self.views = views
    for (name, view) in [("METRICS", WebAppViews.metrics), ("CONSOLE", .console)] {
      guard let value = variable(name), !value.isEmpty, !views.contains(view) else { continue }
      if try SettingFormat.onOrOff.value(value, of: name) { self.views.insert(view) }
    }
    if let (value, name) = given(.accessLog) {
      logs.access = try SettingFormat.accessLog.value(value, of: name)
    }
    if let (value, name) = given(.accessLogFile) {
      guard !value.isEmpty else { throw InvalidSetting(name, value: value, choices: Setting.accessLogFile.choices) }
      logs.accessFile = value
    }
    if let (value, name) = given(.overload) { overload = try SettingFormat.overload.value(value, of: name) }
    if let (value, name) = given(.processes) { processes = try SettingFormat.processes.value(value, of: name) }
    if let (value, name) = given(.heartbeatLimit) {
      heartbeatLimit = .seconds(try SettingFormat.heartbeatLimit.value(value, of: name))
    }
    if let (value, name) = given(.idleGrace) {
      idleGrace = .milliseconds(try SettingFormat.idleGrace.value(value, of: name))
    }
    if let (value, name) = given(.errorLog) { logs.errors = try SettingFormat.errorLog.value(value, of: name) }
  }
}

extension SettingFormat where Value == LogFormat? {
  fileprivate static var accessLog: SettingFormat {
    SettingFormat(choices: "one of off, common, json") { text in
      switch text {
      case "off": .some(nil)
      case "common": .text
      case "json": .json
      default: nil
      }
    }
  }
}

extension SettingFormat where Value == OverloadOptions.Response? {
  fileprivate static var overload: SettingFormat {
    SettingFormat(choices: "one of off, refuse, stop-accepting") { text in
      switch text {
      case "off": .some(nil)
      case "refuse": .refuse
      case "stop-accepting": .stopAccepting
      default: nil
      }
    }
  }
}

extension SettingFormat where Value == LogFormat {
  fileprivate static var errorLog: SettingFormat {
    SettingFormat(choices: "one of text, json") { text in
      switch text {
      case "text": .text
      case "json": .json
      default: nil
      }
    }
  }
}

extension SettingFormat where Value == Int {
  fileprivate static var workers: SettingFormat { wholeNumber(in: RuntimeSettings.workerCounts) }
  fileprivate static var relief: SettingFormat { wholeNumber(in: RuntimeSettings.reliefCounts) }
  /// With 0 the system chooses.
  fileprivate static var port: SettingFormat { wholeNumber(in: 0...65_535) }
  fileprivate static var processes: SettingFormat { wholeNumber(in: 0...1024) }
  /// In seconds: signs of life come every second, and one may be late.
  fileprivate static var heartbeatLimit: SettingFormat { wholeNumber(in: 3...3600) }
  /// In milliseconds, and no longer than the grace that a server gives to requests.
  fileprivate static var idleGrace: SettingFormat { wholeNumber(in: 0...10_000) }
}

extension SettingFormat where Value == Bool {
  /// For the variables of flags that take no value.
  fileprivate static var onOrOff: SettingFormat {
    SettingFormat(choices: "one of 1, 0") { text in
      switch text {
      case "1": true
      case "0": false
      default: nil
      }
    }
  }
}

/// What takes a value, on the command line and in the environment.
private enum Setting: CaseIterable {
  case runtime, workers, relief, host, port, accessLog, accessLogFile, errorLog, overload, processes, heartbeatLimit
  case idleGrace

  init?(flag: String) {
    guard let setting = Self.allCases.first(where: { $0.flag == flag }) else { return nil }
    self = setting
  }

  var flag: String {
    switch self {
    case .runtime: "--runtime"
    case .workers: "--workers"
    case .relief: "--relief"
    case .host: "--host"
    case .port: "--port"
    case .accessLog: "--access-log"
    case .accessLogFile: "--access-log-file"
    case .errorLog: "--error-log"
    case .overload: "--overload"
    case .processes: "--processes"
    case .heartbeatLimit: "--heartbeat-limit"
    case .idleGrace: "--idle-grace"
    }
  }

  var variable: String {
    switch self {
    case .runtime: "RUNTIME"
    case .workers: "RUNTIME_WORKERS"
    case .relief: "RUNTIME_RELIEF"
    case .host: "HOST"
    case .port: "PORT"
    case .accessLog: "ACCESS_LOG"
    case .accessLogFile: "ACCESS_LOG_FILE"
    case .errorLog: "ERROR_LOG"
    case .overload: "OVERLOAD"
    case .processes: "PROCESSES"
    case .heartbeatLimit: "HEARTBEAT_LIMIT"
    case .idleGrace: "IDLE_GRACE"
    }
  }

  var choices: String {
    switch self {
    case .runtime: SettingFormat.runtime.choices
    case .workers: SettingFormat.workers.choices
    case .relief: SettingFormat.relief.choices
    case .host: "an IPv4 address, an IPv6 address or localhost"
    case .port: SettingFormat.port.choices
    case .accessLog: SettingFormat.accessLog.choices
    case .accessLogFile: "the path of a file"
    case .errorLog: SettingFormat.errorLog.choices
    case .overload: SettingFormat.overload.choices
    case .processes: SettingFormat.processes.choices
    case .heartbeatLimit: SettingFormat.heartbeatLimit.choices
    case .idleGrace: SettingFormat.idleGrace.choices
    }
  }
}

/// A command line that cannot be made sense of.
struct UsageError: Error, Equatable, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

extension Invocation {
  /// What `--help` prints.
  static let helpText = """
    The Gearbox web app: the same routes on the runtime of your choice.

    Usage: WebApp [flags]

      --runtime NAME    RUNTIME          \(RuntimeKind.allCases.map(label).joined(separator: ", "))
      --workers COUNT   RUNTIME_WORKERS  threads that run tasks, 1 to 1024
      --relief COUNT    RUNTIME_RELIEF   more threads while all are stuck, 0 to 1024
      --host ADDRESS    HOST             an IPv4 or IPv6 address, or localhost
      --port PORT       PORT             0 to 65535; 0 for a free one
      --access-log FORM ACCESS_LOG       a line a request: off, common or json
      --access-log-file PATH
                        ACCESS_LOG_FILE  append it to a file, opened anew at SIGHUP
      --error-log FORM  ERROR_LOG        what goes wrong, in text or json
      --metrics         METRICS=1        offer /metrics, for Prometheus
      --console         CONSOLE=1        offer /console, to this machine only
      --overload HOW    OVERLOAD         what to do with too many requests: off,
                                         refuse or stop-accepting
      --reuse-port                       let others listen on the port too
      --idle-grace MS   IDLE_GRACE       how long idle connections stay at the end
      --processes COUNT PROCESSES        so many that serve; the dead are replaced
      --heartbeat-limit SECONDS
                        HEARTBEAT_LIMIT  seconds for which one may be stuck
      --demo                             offer /stall, /work, /fail and /trap
      --list-runtimes                    say which runtimes there are, and exit
      --help                             print this, and exit
      --version                          print the version, and exit

    A flag goes before the variable beside it. Values may follow a space or an =.
    Unless told otherwise: 127.0.0.1, port 7878, one worker a core, 64 for relief,
    this process alone (30 s to be stuck with more), idle connections closed at once
    at the end, no access log. Without a file it goes to standard output; errors are
    text, and go to standard error.
    """

  /// What `--list-runtimes` prints.
  static let runtimeList =
    RuntimeKind.allCases
    .map { kind in
      let label = label(kind)
      return label + String(repeating: " ", count: max(1, 18 - label.count)) + kind.summary
    }
    .joined(separator: "\n")

  private static func label(_ kind: RuntimeKind) -> String {
    kind == .standard ? "\(kind.rawValue) (default)" : kind.rawValue
  }
}
