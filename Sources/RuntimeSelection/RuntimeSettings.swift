import Glibc
public import Runtime

/// Which runtime to use, and how big to make it.
///
/// | variable          | value                                 | unless set                           |
/// |-------------------|---------------------------------------|--------------------------------------|
/// | `RUNTIME`         | `concurrency`, `dispatch` or `custom` | `custom`                             |
/// | `RUNTIME_WORKERS` | 1 to 1024                             | the cores that this process may use  |
/// | `RUNTIME_RELIEF`  | 0 to 1024                             | 64                                   |
public struct RuntimeSettings: Hashable, Sendable {
  /// Which runtime.
  public var kind: RuntimeKind
  /// How many threads run its tasks; `nil` is one for each core that this process may use.
  public var workers: Int?
  /// How much blocking work there may be at once.
  public var blocking: BlockingLimits

  /// The most threads that run jobs while every worker is stuck in one (see ``StallOptions``); with 0, no more threads
  /// than there are workers ever run jobs.
  public var reliefWorkers = StallOptions().maximumReliefWorkers

  /// How many workers one may ask for.
  public static let workerCounts = 1...1024
  /// How many relief workers one may ask for.
  public static let reliefCounts = 0...1024

  /// These settings.
  public init(
    kind: RuntimeKind = .standard, workers: Int? = nil, blocking: BlockingLimits = BlockingLimits()
  ) {
    self.kind = kind
    self.workers = workers
    self.blocking = blocking
  }

  /// What the runtime does about jobs that keep a worker for long.
  func stalls(reportedTo report: @escaping @Sendable (Stall) -> Void = StallOptions().report) -> StallOptions {
    var stalls = StallOptions()
    stalls.report = report
    stalls.maximumReliefWorkers = reliefWorkers
    return stalls
  }

  /// The settings in the process's environment. A variable that is empty counts as not set.
  ///
  /// - Throws: ``InvalidSetting`` if a variable has a value that it cannot have.
  public static func fromEnvironment() throws(InvalidSetting) -> RuntimeSettings {
    try RuntimeSettings(variable: environmentVariable)
  }

  /// The settings in the variables that `variable` looks up by name.
  ///
  /// - Throws: ``InvalidSetting`` if a variable has a value that it cannot have.
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
  /// The settings for a runtime that the program adds under the name `added`, if that is what `RUNTIME` asks for.
  ///
  /// - Throws: ``InvalidSetting`` if a variable has a value that it cannot have. Of `RUNTIME`, the choices end with `added`.
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

/// The value of a variable in the process's environment; `nil` if it is not set, or empty.
func environmentVariable(_ name: String) -> String? {
  guard let value = getenv(name), value.pointee != 0 else { return nil }
  return String(cString: value)
}
