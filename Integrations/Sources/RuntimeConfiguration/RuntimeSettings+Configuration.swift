public import Configuration
public import RuntimeSelection

extension RuntimeSettings {
  /// Creates settings from the key `runtime` of a configuration.
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
  /// Missing and empty values leave the defaults. The first setting has two names because in a file `runtime` is an
  /// object.
  ///
  /// - Throws: `InvalidSetting` with the key, the value and the choices if a value is invalid.
  public init(config: ConfigReader) throws(InvalidSetting) {
    self.init()
    for key in ["runtime", "runtime.kind"] {
      if let value = try config.value(key, .runtime) { kind = value }
    }
    if let value = try config.value("runtime.workers", .wholeNumber(in: Self.workerCounts)) { workers = value }
    if let value = try config.value("runtime.relief", .wholeNumber(in: Self.reliefCounts)) { reliefWorkers = value }
  }
}
