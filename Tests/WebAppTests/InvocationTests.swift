import Runtime
import RuntimeHTTP
import RuntimeSelection
import Testing
import WebApp

@testable import WebAppProgram

@Suite struct InvocationTests {
  @Test func `Without flags and variables it serves on the loopback address`() throws {
    let options = Options(runtime: RuntimeSettings(), address: .loopback(port: 7878), isDemo: false)
    #expect(try Invocation([], variable: { _ in nil }) == .serve(options))
    #expect(options.address.description == "127.0.0.1:7878")
  }

  @Test(arguments: [
    (["--runtime", "dispatch"], RuntimeKind.dispatch), (["--runtime=concurrency"], .concurrency),
    (["--runtime=dispatch", "--runtime", "custom"], .custom), ([], .dispatch),
  ])
  func theRuntimeIsTakenFromTheFlagAndThenFromTheVariable(arguments: [String], kind: RuntimeKind) throws {
    let options = try serve(arguments, ["RUNTIME": "dispatch"])
    #expect(options.runtime.kind == kind)
  }

  @Test func `A flag overrides an invalid variable, and an empty variable counts as unset`() throws {
    let environment = ["RUNTIME": "bad", "RUNTIME_WORKERS": "", "HOST": "", "PORT": "x"]
    let options = try serve(["--runtime", "custom", "--port", "1"], environment)
    #expect(options == Options(runtime: RuntimeSettings(), address: .loopback(port: 1), isDemo: false))
  }

  @Test(arguments: [
    ("--host", "127.0.0.1", "127.0.0.1:7878"), ("--host", "0.0.0.0", "0.0.0.0:7878"), ("--host", "::1", "[::1]:7878"),
    ("--host", "[::1]", "[::1]:7878"), ("--host", "localhost", "127.0.0.1:7878"), ("--port", "0", "127.0.0.1:0"),
    ("--port", "65535", "127.0.0.1:65535"),
  ])
  func theAddressIsReadFromFlagsAndVariablesAlike(flag: String, value: String, address: String) throws {
    #expect(try serve([flag, value]).address.description == address)
    #expect(try serve(["\(flag)=\(value)"]).address.description == address)
    #expect(try serve([], [String(flag.dropFirst(2)).uppercased(): value]).address.description == address)
  }

  @Test func `All flags together are accepted`() throws {
    let arguments = ["--demo", "--workers=3", "--host", "::1", "--port", "80", "--runtime", "dispatch"]
    let options = try serve(arguments)
    #expect(options.runtime == RuntimeSettings(kind: .dispatch, workers: 3))
    #expect(options.address == .ipv6(.loopback, port: 80))
    #expect(options.isDemo)
  }

  @Test(arguments: [
    (["--help"], Invocation.help), (["-h"], .help), (["--version"], .version), (["--list-runtimes"], .listRuntimes),
    (["--port", "1", "--help", "--none"], .help),
  ])
  func questionsAreAnsweredWhateverTheEnvironmentSays(arguments: [String], invocation: Invocation) throws {
    #expect(try Invocation(arguments, variable: { _ in "nonsense" }) == invocation)
  }

  @Test(arguments: [
    (["--fast"], "unknown flag \"--fast\""), (["-x"], "unknown flag \"-x\""),
    (["--fast=1"], "unknown flag \"--fast\""),
    (["serve"], "unexpected argument \"serve\": there are only flags"),
    ([""], "unexpected argument \"\": there are only flags"),
    (["--"], "unknown flag \"--\""),
    (["--demo=yes"], "--demo takes no value"), (["--console=1"], "--console takes no value"),
    (["--help=me"], "--help takes no value"),
    (["--port"], "--port needs a value: a whole number from 0 to 65535"),
    (["--runtime", "--demo"], "--runtime needs a value: one of concurrency, dispatch, custom"),
    (["--port", "65536"], "--port: \"65536\" is not a whole number from 0 to 65535"),
    (["--port", "-1"], "--port: \"-1\" is not a whole number from 0 to 65535"),
    (["--port="], "--port: \"\" is not a whole number from 0 to 65535"),
    (["--workers=0"], "--workers: \"0\" is not a whole number from 1 to 1024"),
    (["--runtime=fast"], "--runtime: \"fast\" is not one of concurrency, dispatch, custom"),
    (["--access-log=apache"], "--access-log: \"apache\" is not one of off, common, json"),
    (["--access-log"], "--access-log needs a value: one of off, common, json"),
    (["--access-log-file="], "--access-log-file: \"\" is not the path of a file"),
    (["--overload=on"], "--overload: \"on\" is not one of off, refuse, stop-accepting"),
    (["--error-log=common"], "--error-log: \"common\" is not one of text, json"),
    (["--processes=many"], "--processes: \"many\" is not a whole number from 0 to 1024"),
    (["--heartbeat-limit=2"], "--heartbeat-limit: \"2\" is not a whole number from 3 to 3600"),
    (["--idle-grace=10001"], "--idle-grace: \"10001\" is not a whole number from 0 to 10000"),
    (["--reuse-port=yes"], "--reuse-port takes no value"),
    (["--host=example.org"], "--host: \"example.org\" is not an IPv4 address, an IPv6 address or localhost"),
  ])
  func whatMakesNoSenseIsRefusedWithTheChoices(arguments: [String], message: String) {
    #expect(throws: UsageError(message)) { try Invocation(arguments, variable: { _ in nil }) }
  }

  @Test(arguments: [
    ("RUNTIME", "fast", "RUNTIME: \"fast\" is not one of concurrency, dispatch, custom"),
    ("RUNTIME_WORKERS", "many", "RUNTIME_WORKERS: \"many\" is not a whole number from 1 to 1024"),
    ("HOST", "there", "HOST: \"there\" is not an IPv4 address, an IPv6 address or localhost"),
    ("ACCESS_LOG", "on", "ACCESS_LOG: \"on\" is not one of off, common, json"),
    ("ERROR_LOG", "off", "ERROR_LOG: \"off\" is not one of text, json"),
    ("PROCESSES", "-1", "PROCESSES: \"-1\" is not a whole number from 0 to 1024"),
    ("HEARTBEAT_LIMIT", "1s", "HEARTBEAT_LIMIT: \"1s\" is not a whole number from 3 to 3600"),
    ("IDLE_GRACE", "long", "IDLE_GRACE: \"long\" is not a whole number from 0 to 10000"),
    ("METRICS", "on", "METRICS: \"on\" is not one of 1, 0"), ("CONSOLE", "2", "CONSOLE: \"2\" is not one of 1, 0"),
    ("PORT", "http", "PORT: \"http\" is not a whole number from 0 to 65535"),
  ])
  func aBadVariableIsRefusedByName(name: String, value: String, message: String) {
    #expect(throws: UsageError(message)) { try Invocation([], variable: { $0 == name ? value : nil }) }
  }

  @Test(
    arguments: [
      ([], [:], Logs.Settings()), (["--access-log", "json"], ["ACCESS_LOG": "common"], Logs.Settings(access: .json)),
      ([], ["ACCESS_LOG": "common", "ERROR_LOG": "json"], Logs.Settings(access: .text, errors: .json)),
      (["--access-log=off", "--error-log=text"], ["ACCESS_LOG": "json", "ERROR_LOG": "json"], Logs.Settings()),
      (
        ["--access-log-file", "/a"], ["ACCESS_LOG": "json", "ACCESS_LOG_FILE": "/b"],
        Logs.Settings(access: .json, accessFile: "/a")
      ),
    ] as [([String], [String: String], Logs.Settings)])
  func theLogsAreTakenFromTheFlagsAndThenFromTheVariables(
    arguments: [String], environment: [String: String], settings: Logs.Settings
  ) throws {
    #expect(try serve(arguments, environment).logs == settings)
  }

  @Test(
    arguments: [
      ([], [:], nil), (["--overload", "refuse"], ["OVERLOAD": "off"], .refuse),
      (["--overload=off"], ["OVERLOAD": "refuse"], nil),
      ([], ["OVERLOAD": "stop-accepting"], .stopAccepting),
    ] as [([String], [String: String], OverloadOptions.Response?)])
  func whatIsDoneAboutOverloadIsTakenFromTheFlagAndThenFromTheVariable(
    arguments: [String], environment: [String: String], response: OverloadOptions.Response?
  ) throws {
    #expect(try serve(arguments, environment).overload == response)
  }

  @Test func `Flags override variables for processes, their limit and the idle grace`() throws {
    let environment = ["PROCESSES": "2", "HEARTBEAT_LIMIT": "5", "IDLE_GRACE": "250"]
    var options = try serve([], environment)
    #expect((options.processes, options.heartbeatLimit, options.idleGrace) == (2, .seconds(5), .milliseconds(250)))
    options = try serve(["--processes=3", "--heartbeat-limit=6", "--idle-grace", "1000"], environment)
    #expect((options.processes, options.heartbeatLimit, options.idleGrace) == (3, .seconds(6), .seconds(1)))
    options = try serve([])
    #expect((options.processes, options.heartbeatLimit, options.idleGrace) == (0, .seconds(30), .zero))
    #expect(!options.listening.reusePort)
    #expect(try serve(["--reuse-port"]).listening.reusePort)
  }

  @Test(
    arguments: [
      ([], [:], []), (["--metrics"], [:], .metrics), (["--console"], ["METRICS": "1"], [.console, .metrics]),
      ([], ["CONSOLE": "1"], .console), ([], ["CONSOLE": "0", "METRICS": ""], []),
      (["--console"], ["CONSOLE": "0"], .console), (["--console"], ["CONSOLE": "bad"], .console),
    ] as [([String], [String: String], WebAppViews)])
  func viewsAreSwitchedOnByTheirFlagsAndByTheirVariables(
    arguments: [String], environment: [String: String], views: WebAppViews
  ) throws {
    #expect(try serve(arguments, environment).views == views)
  }

  @Test func theHelpNamesEveryFlagAndFitsATerminal() {
    let logs = ["access-log", "access-log-file", "error-log", "metrics", "console", "overload"]
    let processes = ["processes", "heartbeat-limit", "idle-grace", "reuse-port"]
    for flag in logs + processes + ["runtime", "workers", "host", "port", "demo", "list-runtimes", "help", "version"] {
      #expect(Invocation.helpText.contains("  --\(flag) "))
    }
    #expect(Invocation.helpText.split(separator: "\n").allSatisfy { $0.count <= 80 })
    for kind in RuntimeKind.allCases { #expect(Invocation.runtimeList.contains(kind.rawValue)) }
  }

  private func serve(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Options {
    guard case .serve(let options) = try Invocation(arguments, variable: { environment[$0] }) else {
      Issue.record("these arguments do not start a server: \(arguments)")
      return Options()
    }
    return options
  }
}
