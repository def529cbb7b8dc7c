public import Configuration
public import Runtime
public import RuntimeHTTP
public import RuntimeSelection

extension SocketAddress {
  /// Where a server is to listen by a configuration, under the keys `http.host` and `http.port`.
  ///
  /// `http.host` is an address: a name is not looked up. Unless it is there, it is `127.0.0.1`. Port 0 has the system choose
  /// one.
  ///
  /// - Parameter port: the port unless there is one.
  /// - Throws: `InvalidSetting` for a value that the setting cannot have.
  public init(config: ConfigReader, defaultPort port: UInt16 = 8080) throws(InvalidSetting) {
    let port = try config.value("http.port", .wholeNumber(in: 0...65_535)).map { UInt16($0) } ?? port
    let host = SettingFormat<SocketAddress>(choices: "an IPv4 or IPv6 address") { SocketAddress(host: $0, port: port) }
    self = try config.value("http.host", host) ?? .loopback(port: port)
  }
}

extension ServerOptions {
  /// The usual options, with what a configuration has under the key `http`.
  ///
  /// | key | value |
  /// |---|---|
  /// | `http.maximumConnections`, `http.maximumFieldCount` | how many |
  /// | `http.maximumRequestLineLength`, `http.maximumHeadLength`, `http.maximumBodyLength`, `http.maximumDrainedLength`, `http.maximumHeldLength` | bytes |
  /// | `http.headTimeout`, `http.stallTimeout`, `http.idleTimeout`, `http.shutdownGrace`, `http.shutdownIdleGrace` | seconds, with or without a fraction |
  /// | `http.overload` | `off`, `refuse` or `stop-accepting`, see `OverloadOptions` |
  /// | `http.serverName` | the value of the `Server` field |
  ///
  /// As flags and variables they are called `--http-head-timeout`, `HTTP_HEAD_TIMEOUT` and so on. What the options mean is
  /// said where they are declared.
  ///
  /// - Throws: `InvalidSetting` for a value that the setting cannot have; it names the key, the value and the choices.
  public init(config: ConfigReader) throws(InvalidSetting) {
    self.init()
    // No fewer than it takes to serve anything at all.
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
