import Runtime
import RuntimeHTTP
import RuntimeSelection
import WebApp

/// The request of the command line and the environment. Flags override environment variables. The last of several equal
/// flags counts, and an empty variable counts as not set.
enum Invocation: Equatable {
  case serve(Options)
  case help
  case version
  case listRuntimes

  /// Parses `arguments`, without the program's name, and the variables that `variable` looks up.
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
            ? "unknown flag \(flag.debugDescription)"
            : "unexpected argument \(argument.debugDescription): there are only flags")
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

/// The options for serving.
struct Options: Equatable {
  var runtime = RuntimeSettings()
  /// The address to listen on; with port 0 the system chooses one.
  var address = SocketAddress.loopback(port: 7878)
  /// Whether other processes may listen on the same port.
  var reusesPort = false
  /// Whether to offer the routes that misbehave on purpose.
  var isDemo = false
  /// The number of processes that serve under a supervisor; with 0 this process serves.
  var processes = 0
  /// How long such a process may send no heartbeat.
  var heartbeatLimit = Duration.seconds(30)
  /// How long idle connections are kept open during a shutdown.
  var idleGrace = Duration.zero
  /// The views of its own state to offer.
  var views: WebAppViews = []
  var logs = Logs.Settings()
  /// The response to overload, if enabled.
  var overload: OverloadOptions.Response?
}

extension Options {
  /// Creates options from `flags`, then from the environment, then from the defaults.
  fileprivate init(
    flags: [Setting: String], variable: (String) -> String?, isDemo: Bool, views: WebAppViews
  ) throws(InvalidSetting) {
    /// Returns the value in effect, and the name of the flag or variable that gave it.
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
  /// 0 lets the system choose.
  fileprivate static var port: SettingFormat { wholeNumber(in: 0...65_535) }
  fileprivate static var processes: SettingFormat { wholeNumber(in: 0...1024) }
  /// In seconds. Heartbeats are sent every second, and one may be late.
  fileprivate static var heartbeatLimit: SettingFormat { wholeNumber(in: 3...3600) }
  /// In milliseconds, at most the grace period of a shutdown.
  fileprivate static var idleGrace: SettingFormat { wholeNumber(in: 0...10_000) }
}

extension SettingFormat where Value == Bool {
  /// The format of variables for flags without a value.
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

/// The settings that take a value, on the command line and in the environment.
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

/// An error in the command line.
struct UsageError: Error, Equatable, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

extension Invocation {
  /// The output of `--help`.
  static let helpText = """
    The Gearbox web app: the same routes on the runtime of your choice.

    Usage: WebApp [flags]

      --runtime NAME    RUNTIME          \(RuntimeKind.allCases.map(label).joined(separator: ", "))
      --workers COUNT   RUNTIME_WORKERS  threads that run tasks, 1 to 1024
      --relief COUNT    RUNTIME_RELIEF   more threads while all are stuck, 0 to 1024
      --host ADDRESS    HOST             an IPv4 or IPv6 address, or localhost
      --port PORT       PORT             0 to 65535; 0 for a free one
      --access-log FORM ACCESS_LOG       a line per request: off, common or json
      --access-log-file PATH
                        ACCESS_LOG_FILE  file to append it to, reopened on SIGHUP
      --error-log FORM  ERROR_LOG        errors and warnings, in text or json
      --metrics         METRICS=1        offer /metrics, for Prometheus
      --console         CONSOLE=1        offer /console, only to this machine
      --overload HOW    OVERLOAD         what to do under overload: off,
                                         refuse or stop-accepting
      --reuse-port                       let other processes listen on the port
      --idle-grace MS   IDLE_GRACE       how long to keep idle connections at exit
      --processes COUNT PROCESSES        processes that serve, restarted if they die
      --heartbeat-limit SECONDS
                        HEARTBEAT_LIMIT  seconds that one of them may be stuck
      --demo                             offer /stall, /work, /fail and /trap
      --list-runtimes                    print the runtimes, and exit
      --help                             print this help, and exit
      --version                          print the version, and exit

    Flags override variables. A value may follow its flag after a space or an =.
    Defaults: 127.0.0.1, port 7878, one worker per core, 64 for relief, this process
    only (30 s to be stuck with more), idle connections closed at once, no access
    log. Without a file, the access log goes to standard output. Errors are text,
    and go to standard error.
    """

  /// The output of `--list-runtimes`.
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
