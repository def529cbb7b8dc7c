package import RuntimeHTTP

extension ServerOptions {
  /// Options whose timeouts no test reaches by a real clock, even on a slow machine: with all tests at once, a task has
  /// waited more than half a minute for its turn on Swift's pool.
  package static var patient: ServerOptions {
    var options = ServerOptions()
    (options.headTimeout, options.stallTimeout, options.idleTimeout) = (.seconds(600), .seconds(600), .seconds(600))
    (options.http2.keepAliveInterval, options.shutdownGrace) = (.seconds(600), .seconds(600))
    return options
  }
}
