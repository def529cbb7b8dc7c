public import Configuration
public import RuntimeSelection

extension RuntimeSettings {
  /// The settings of a runtime in a configuration, under the key `runtime`.
  ///
  /// ```swift
  /// let config = ConfigReader(providers: [CommandLineArgumentsProvider(), EnvironmentVariablesProvider()])
  /// Program().runOrExit(with: try RuntimeSettings(config: config))
  /// ```
  ///
  /// | key | value | flag, variable |
  /// |---|---|---|
  /// | `runtime.kind`, or `runtime` | `concurrency`, `dispatch` or `custom` | `--runtime`, `RUNTIME` |
  /// | `runtime.workers` | 1 to 1024 | `--runtime-workers`, `RUNTIME_WORKERS` |
  /// | `runtime.relief` | 0 to 1024 | `--runtime-relief`, `RUNTIME_RELIEF` |
  ///
  /// What is not there, or empty, is as usual. In a file `runtime` is an object; so the first of them has two names.
  ///
  /// - Throws: `InvalidSetting` for a value that the setting cannot have; it names the key, the value and the choices.
  public init(config: ConfigReader) throws(InvalidSetting) {
    self.init()
    for key in ["runtime", "runtime.kind"] {
      if let value = try config.value(key, .runtime) { kind = value }
    }
    if let value = try config.value("runtime.workers", .wholeNumber(in: Self.workerCounts)) { workers = value }
    if let value = try config.value("runtime.relief", .wholeNumber(in: Self.reliefCounts)) { reliefWorkers = value }
  }
}
