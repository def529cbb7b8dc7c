public import Configuration
public import Runtime
public import RuntimeHTTP
public import RuntimeSelection

extension SocketAddress {
  /// Creates the address that a server listens on from the keys `http.host` and `http.port` of a configuration.
  ///
  /// `http.host` is an address, since names are not resolved. The default is `127.0.0.1`. With port 0 the system
  /// chooses a port.
  ///
  /// - Parameter port: the default port.
  /// - Throws: `InvalidSetting` if a value is invalid.
  public init(config: ConfigReader, defaultPort port: UInt16 = 8080) throws(InvalidSetting) {
    let port = try config.value("http.port", .wholeNumber(in: 0...65_535)).map { UInt16($0) } ?? port
    let host = SettingFormat<SocketAddress>(choices: "an IPv4 or IPv6 address") { SocketAddress(host: $0, port: port) }
    self = try config.value("http.host", host) ?? .loopback(port: port)
  }
}

extension ServerOptions {
  /// Creates options from the key `http` of a configuration, with the defaults for missing values.
  ///
  /// | key | value |
  /// |---|---|
  /// | `http.maximumConnections`, `http.maximumFieldCount` | a count |
  /// | `http.maximumRequestLineLength`, `http.maximumHeadLength`, `http.maximumBodyLength`, `http.maximumDrainedLength`, `http.maximumHeldLength` | bytes |
  /// | `http.headTimeout`, `http.stallTimeout`, `http.idleTimeout`, `http.shutdownGrace`, `http.shutdownIdleGrace` | seconds, with or without a fraction |
  /// | `http.overload` | `off`, `refuse` or `stop-accepting`, see `OverloadOptions` |
  /// | `http.serverName` | the value of the `Server` field |
  ///
  /// The flags and variables are named `--http-head-timeout`, `HTTP_HEAD_TIMEOUT` and so on. The options are documented
  /// at their declarations.
  ///
  /// - Throws: `InvalidSetting` with the key, the value and the choices if a value is invalid.
  public init(config: ConfigReader) throws(InvalidSetting) {
    self.init()
    // The minimum with which the server can serve anything.
    let count = SettingFormat.wholeNumber(in: 1...1_000_000_000)
    let bytes = SettingFormat.wholeNumber(in: 1...Int.max / 2)
    if let value = try config.value("http.maximumConnections", count) { maximumConnections = value }
    if let value = try config.value("http.maximumFieldCount", count) { maximumFieldCount = value }
    if let value = try config.value("http.maximumRequestLineLength", bytes) { maximumRequestLineLength = value }
    if let value = try config.value("http.maximumHeadLength", bytes) { maximumHeadLength = value }
    if let value = try config.value("http.maximumBodyLength", bytes) { maximumBodyLength = value }
    if let value = try config.value("http.maximumDrainedLength", bytes) { maximumDrainedLength = value }
    if let value = try config.value("http.maximumHeldLength", bytes) { maximumHeldLength = value }
    if let value = try config.value("http.headTimeout", .seconds) { headTimeout = value }
    if let value = try config.value("http.stallTimeout", .seconds) { stallTimeout = value }
    if let value = try config.value("http.idleTimeout", .seconds) { idleTimeout = value }
    if let value = try config.value("http.shutdownGrace", .seconds) { shutdownGrace = value }
    if let value = try config.value("http.shutdownIdleGrace", .seconds) { shutdownIdleGrace = value }
    if let value = try config.value("http.overload", .overload) { overload = value }
    if let value = try config.value("http.serverName", .text) { serverName = value }
  }
}

extension SettingFormat where Value == OverloadOptions? {
  fileprivate static var overload: SettingFormat {
    SettingFormat(choices: "one of off, refuse, stop-accepting") { text in
      var options = OverloadOptions()
      switch text {
      case "off": return .some(nil)
      case "refuse": options.response = .refuse
      case "stop-accepting": options.response = .stopAccepting
      default: return nil
      }
      return options
    }
  }
}
