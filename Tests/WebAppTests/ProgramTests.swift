import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The program as somebody starts it: what it prints and how it ends.
@Suite struct ProgramTests {
  @Test(arguments: Backend.allCases, [SIGINT, SIGTERM])
  func itSaysWhereItListensAndASignalEndsItGracefully(backend: Backend, number: Int32) async throws {
    let program = try Program(["--port", "0", "--runtime", backend.rawValue, "--workers", "2"])
    let line = try #require(await program.readLine())
    #expect(line.hasPrefix("Gearbox WebApp on http://127.0.0.1:"))
    #expect(line.hasSuffix(" (runtime \(backend.rawValue), 2 workers)"))
    program.signal(number)
    #expect(await program.end() == .exited(0))
    #expect(await program.errors() == "")
  }

  @Test func theSecondSignalEndsItAtOnce() async throws {
    let program = try Program(["--port=0"])
    let words = try #require(await program.readLine()).split(separator: " ")
    let address = try #require(words.first { $0.hasPrefix("http://") }.flatMap { SocketAddress($0.dropFirst(7)) })
    try await Backend.custom.withRuntime { runtime in
      // On the runtime: a task that waits for its turn among all tests might come when the grace of ten seconds is over.
      try await runtime.spawn {
        // A request in flight, which the first signal lets finish.
        let stream: any ByteStream = try await runtime.connect(to: address)
        try await stream.write("GET /stream?ms=60000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _ = try await stream.read()
        let idle: any ByteStream = try await runtime.connect(to: address)
        try await idle.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _ = try await idle.read()
        program.signal(SIGTERM)
        // Two signals at once are one to the system. An idle connection that was closed says that the first has come.
        _ = try await idle.readToEnd()
        program.signal(SIGTERM)
        #expect(await program.end() == .exited(128 + SIGTERM))
        stream.close()
        idle.close()
      }
      .value
    }
  }

  @Test(arguments: [
    (["--port", "http"], "WebApp: --port: \"http\" is not a whole number from 0 to 65535\nTry WebApp --help.\n"),
    (["--fast"], "WebApp: \"--fast\" is no flag of this program\nTry WebApp --help.\n"),
  ])
  func aBadCommandLineIsAUsageError(arguments: [String], message: String) async throws {
    let program = try Program(arguments)
    #expect(await program.readLine() == nil)
    #expect(await program.end() == .exited(EX_USAGE))
    #expect(await program.errors() == message)
  }

  @Test func aBadVariableIsAUsageError() async throws {
    let program = try Program([], environment: ["RUNTIME=fast"])
    #expect(await program.end() == .exited(EX_USAGE))
    let message = "WebApp: RUNTIME: \"fast\" is not one of concurrency, dispatch, custom\nTry WebApp --help.\n"
    #expect(await program.errors() == message)
  }

  @Test func aPortInUseIsAFailureThatSaysSo() async throws {
    try await Backend.custom.withRuntime { runtime in
      let listener: any StreamListener = try runtime.listen(on: .loopback(port: 0))
      defer { listener.close() }
      let address = listener.localAddress
      let program = try Program([], environment: ["PORT=\(address.port ?? 0)"])
      #expect(await program.end() == .exited(EXIT_FAILURE))
      let errors = await program.errors()
      #expect(errors.hasPrefix("WebApp: cannot listen on \(address): bind: Address already in use"))
    }
  }

  @Test(arguments: [
    ("--help", "The Gearbox web app: the same routes on the runtime of your choice."), ("--version", "Gearbox 0.1.0"),
    ("--list-runtimes", "concurrency       Swift's own thread pool, one poller thread beside it"),
  ])
  func questionsAreAnswered(flag: String, firstLine: String) async throws {
    let program = try Program([flag])
    #expect(await program.readLine() == firstLine)
    #expect(await program.end() == .exited(0))
  }
}

/// The web app as a process of its own.
private final class Program: Sendable {
  enum End: Equatable { case exited(Int32), signalled(Int32) }

  private let process: pid_t
  private let output: Int32
  private let error: Int32

  init(_ arguments: [String], environment: [String] = []) throws {
    // The program lies beside the bundle that holds the tests.
    let bundle = CommandLine.arguments[0]
    let path = bundle.prefix(upTo: bundle.lastIndex(of: "/") ?? bundle.startIndex) + "/WebApp"
    let (output, error) = (try Self.pipe(), try Self.pipe())
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, output.write, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, error.write, STDERR_FILENO)
    let argv = ([String(path)] + arguments).map { strdup($0) } + [nil]
    let envp = environment.map { strdup($0) } + [nil]
    defer { for text in argv + envp { free(text) } }
    var process: pid_t = 0
    let result = posix_spawn(&process, String(path), &actions, nil, argv, envp)
    close(output.write)
    close(error.write)
    try #require(result == 0, "cannot start \(path): \(String(cString: strerror(result)))")
    self.process = process
    (self.output, self.error) = (output.read, error.read)
  }

  deinit {
    close(output)
    close(error)
  }

  func signal(_ number: Int32) { kill(process, number) }

  /// The next line of what it prints; `nil` at the end.
  func readLine() async -> String? {
    await onThreadOfItsOwn { [output] in
      let line = Self.bytes(of: output) { $0 != 0x0A }
      return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }
  }

  /// All that it says on standard error, once it has ended.
  func errors() async -> String {
    await onThreadOfItsOwn { [error] in String(decoding: Self.bytes(of: error) { _ in true }, as: UTF8.self) }
  }

  /// How it ends, once it has.
  func end() async -> End {
    await onThreadOfItsOwn { [process] in
      var status: Int32 = 0
      while waitpid(process, &status, 0) == -1, errno == EINTR {}
      return status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
    }
  }

  private static func bytes(of descriptor: Int32, while condition: (UInt8) -> Bool) -> [UInt8] {
    var all: [UInt8] = []
    var byte: UInt8 = 0
    while read(descriptor, &byte, 1) == 1, condition(byte) { all.append(byte) }
    return all
  }

  private static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    // Close-on-exec, or the programs of other tests would hold this pipe open.
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
    return (ends[0], ends[1])
  }
}
