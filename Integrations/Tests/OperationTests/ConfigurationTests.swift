import Configuration
import Runtime
import RuntimeConfiguration
import RuntimeHTTP
import RuntimeSelection
import Testing

/// Settings from flags, variables and files.
@Suite struct ConfigurationTests {
  private func config(_ values: [AbsoluteConfigKey: ConfigValue]) -> ConfigReader {
    ConfigReader(provider: InMemoryProvider(values: values))
  }

  private func environment(_ variables: [String: String]) -> ConfigReader {
    ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: variables))
  }

  private func flags(_ arguments: String...) -> ConfigReader {
    ConfigReader(provider: CommandLineArgumentsProvider(arguments: ["program"] + arguments))
  }

  @Test func `a runtime is chosen by flags, variables and files alike`() throws {
    let sources = [
      flags("--runtime", "dispatch", "--runtime-workers", "3", "--runtime-relief=0"),
      environment(["RUNTIME": "dispatch", "RUNTIME_WORKERS": "3", "RUNTIME_RELIEF": "0"]),
      config(["runtime.kind": "dispatch", "runtime.workers": 3, "runtime.relief": "0"]),
    ]
    for source in sources {
      let settings = try RuntimeSettings(config: source)
      #expect(settings.kind == .dispatch && settings.workers == 3 && settings.reliefWorkers == 0)
    }
    #expect(try RuntimeSettings(config: environment(["RUNTIME": ""])) == RuntimeSettings())
  }

  @Test func `a server's options are those that are set, and defaults`() throws {
    let options = try ServerOptions(
      config: environment([
        "HTTP_MAXIMUM_CONNECTIONS": "7", "HTTP_HEAD_TIMEOUT": "0.5", "HTTP_OVERLOAD": "stop-accepting",
        "HTTP_SERVER_NAME": "me", "HTTP_MAXIMUM_BODY_LENGTH": "1000",
      ]))
    #expect(options.maximumConnections == 7 && options.headTimeout == .milliseconds(500))
    #expect(options.overload?.response == .stopAccepting && options.serverName == "me")
    #expect(options.maximumBodyLength == 1000 && options.idleTimeout == ServerOptions().idleTimeout)
    #expect(try ServerOptions(config: flags("--http-overload", "off")).overload == nil)
    #expect(try SocketAddress(config: flags()) == .loopback(port: 8080))
    #expect(try SocketAddress(config: flags("--http-host", "::1", "--http-port", "0")) == SocketAddress("[::1]:0"))
  }

  @Test func `an invalid value is named, with the valid ones`() {
    func message(_ config: ConfigReader) -> String? {
      do throws(InvalidSetting) {
        _ = try RuntimeSettings(config: config)
        _ = try ServerOptions(config: config)
        _ = try SocketAddress(config: config)
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(
      message(flags("--runtime", "fast")) == #"runtime: "fast" is not one of concurrency, dispatch, custom"#)
    #expect(
      message(environment(["RUNTIME_WORKERS": "0"]))
        == #"runtime.workers: "0" is not a whole number from 1 to 1024"#)
    #expect(
      message(config(["http.port": 65_536])) == #"http.port: "65536" is not a whole number from 0 to 65535"#)
    #expect(message(config(["http.port": 80.5])) == #"http.port: "80.5" is not a whole number from 0 to 65535"#)
    #expect(
      message(config(["http.headTimeout": true]))
        == #"http.headTimeout: "true" is not a number of seconds from 0 to 31536000"#)
    #expect(message(flags("--http-host", "example")) == #"http.host: "example" is not an IPv4 or IPv6 address"#)
    #expect(message(flags("--http-port")) == #"http.port: "true" is not a whole number from 0 to 65535"#)
    for text in ["-1", "inf", "nan", "1e9", "soon", "0x1", ".", "1.2.3", "31536001"] {
      let message = message(config(["http.idleTimeout": .init(stringLiteral: text)]))
      #expect(message == "http.idleTimeout: \"\(text)\" is not a number of seconds from 0 to 31536000")
    }
  }
}
