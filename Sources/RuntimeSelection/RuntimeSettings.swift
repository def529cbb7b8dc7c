import Glibc
public import Runtime

/// The choice of a runtime, and its size.
///
/// | variable          | value                                 | default                              |
/// |-------------------|---------------------------------------|--------------------------------------|
/// | `RUNTIME`         | `concurrency`, `dispatch` or `custom` | `custom`                             |
/// | `RUNTIME_WORKERS` | 1 to 1024                             | the cores that this process may use  |
/// | `RUNTIME_RELIEF`  | 0 to 1024                             | 64                                   |
public struct RuntimeSettings: Hashable, Sendable {
  /// The runtime.
  public var kind: RuntimeKind
  /// The number of threads that run tasks; `nil` for one per core that is available to this process.
  public var workers: Int?
  /// The limits on blocking work.
  public var blocking: BlockingLimits

  /// The maximum number of threads that run jobs while every worker is stuck in one (see ``StallOptions``). With 0,
  /// jobs that block all workers delay everything.
  public var reliefWorkers = StallOptions().maximumReliefWorkers

  /// The valid numbers of workers.
  public static let workerCounts = 1...1024
  /// The valid numbers of relief workers.
  public static let reliefCounts = 0...1024

  /// Creates settings with these values.
  public init(
    kind: RuntimeKind = .standard, workers: Int? = nil, blocking: BlockingLimits = BlockingLimits()
  ) {
    self.kind = kind
    self.workers = workers
    self.blocking = blocking
  }

  /// Returns the options for jobs that keep a worker for long.
  func stalls(reportedTo report: @escaping @Sendable (Stall) -> Void = StallOptions().report) -> StallOptions {
    var stalls = StallOptions()
    stalls.report = report
    stalls.maximumReliefWorkers = reliefWorkers
    return stalls
  }

  /// Returns the settings in the process's environment. An empty variable counts as unset.
  ///
  /// - Throws: ``InvalidSetting`` if a variable has an invalid value.
  public static func fromEnvironment() throws(InvalidSetting) -> RuntimeSettings {
    try RuntimeSettings(variable: environmentVariable)
  }

  /// Creates the settings in the variables that `variable` looks up by name.
  ///
  /// - Throws: ``InvalidSetting`` if a variable has an invalid value.
  public init(variable: (_ name: String) -> String?) throws(InvalidSetting) {
    self.init()
    if let value = variable("RUNTIME") { kind = try SettingFormat.runtime.value(value, of: "RUNTIME") }
    if let value = variable("RUNTIME_WORKERS") {
      workers = try SettingFormat.wholeNumber(in: Self.workerCounts).value(value, of: "RUNTIME_WORKERS")
    }
    if let value = variable("RUNTIME_RELIEF") {
      reliefWorkers = try SettingFormat.wholeNumber(in: Self.reliefCounts).value(value, of: "RUNTIME_RELIEF")
    }
  }
}

extension RuntimeSettings {
  /// Returns the settings for the program's own runtime `added`, or `nil` if `RUNTIME` does not name it.
  ///
  /// - Throws: ``InvalidSetting`` if a variable has an invalid value. The choices for `RUNTIME` then include `added`.
  static func forAdded(
    _ added: String, variable: (_ name: String) -> String?
  ) throws(InvalidSetting) -> RuntimeSettings? {
    let isAsked = variable("RUNTIME") == added
    do throws(InvalidSetting) {
      let settings = try RuntimeSettings { name in isAsked && name == "RUNTIME" ? nil : variable(name) }
      return isAsked ? settings : nil
    } catch {
      guard error.name == "RUNTIME" else { throw error }
      throw InvalidSetting(error.name, value: error.value, choices: "\(error.choices), \(added)")
    }
  }
}

/// Returns a variable of the process's environment; `nil` if it is unset or empty.
func environmentVariable(_ name: String) -> String? {
  guard let value = getenv(name), value.pointee != 0 else { return nil }
  return String(cString: value)
}
