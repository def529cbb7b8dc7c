import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The program as a process: its output and how it ends.
@Suite(.timeLimit(.minutes(10))) struct ProgramTests {
  @Test(arguments: Backend.allCases, [SIGINT, SIGTERM])
  func `It prints its address, and a signal ends it gracefully`(backend: Backend, number: Int32) async throws {
    let program = try Program("WebApp", ["--port", "0", "--runtime", backend.rawValue, "--workers", "2"])
    let line = try #require(await program.readLine())
    #expect(line.hasPrefix("Gearbox WebApp on http://127.0.0.1:"))
    #expect(line.hasSuffix(" (runtime \(backend.rawValue), 2 workers)"))
    program.signal(number)
    #expect(await program.end() == .exited(0))
    #expect(await program.errors() == "")
  }

  @Test func `A signal ends it even if the signal was blocked at its start`() async throws {
    let program = try Program("WebApp", ["--port", "0"], blockedSignal: SIGTERM)
    _ = try #require(await program.readLine())
    program.signal(SIGTERM)
    #expect(await program.end() == .exited(0))
  }

  @Test(arguments: Backend.allCases)
  func `With few descriptors it reports the error, or starts and ends by a signal`(backend: Backend) async throws {
    // With fewer, libdispatch may abort the process: it opens three descriptors on demand.
    for count in 12...24 {
      let program = try Program("WebApp", ["--port=0", "--runtime", backend.rawValue], after: "ulimit -n \(count)")
      guard let line = await program.readLine() else {
        #expect(await program.end() == .exited(EXIT_FAILURE), "with \(count) descriptors")
        #expect(await program.errors().hasPrefix("WebApp: "), "with \(count) descriptors")
        continue
      }
      #expect(line.hasPrefix("Gearbox WebApp on http://127.0.0.1:"))
      program.signal(SIGTERM)
      #expect(await program.end() == .exited(0), "with \(count) descriptors")
    }
  }

  @Test func theSecondSignalEndsItAtOnce() async throws {
    let program = try Program("WebApp", ["--port=0"])
    let words = try #require(await program.readLine()).split(separator: " ")
    let address = try #require(words.first { $0.hasPrefix("http://") }.flatMap { SocketAddress($0.dropFirst(7)) })
    try await Backend.custom.withRuntime { runtime in
      // On the runtime: among the tasks of all tests, a task might get its turn after the grace period of ten seconds.
      try await runtime.spawn {
        // A request in flight, which the first signal does not interrupt.
        let stream: any ByteStream = try await runtime.connect(to: address)
        try await stream.write("GET /stream?ms=60000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _ = try await stream.read()
        let idle: any ByteStream = try await runtime.connect(to: address)
        try await idle.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _ = try await idle.read()
        program.signal(SIGTERM)
        // The system may merge two signals sent at once. The end of the idle connection shows that the first has
        // arrived.
        _ = try await idle.readToEnd()
        program.signal(SIGTERM)
        #expect(await program.end() == .exited(128 + SIGTERM))
        stream.close()
        idle.close()
      }
      .value
    }
  }

  @Test(arguments: Backend.allCases)
  func `Requests and the shutdown do not wait for a reader of standard error`(backend: Backend) async throws {
    let program = try Program(
      "WebApp", ["--demo", "--port", "0", "--runtime", backend.rawValue, "--workers", "2"], hasStuckErrors: true)
    let address = try #require(await program.address())
    try await Backend.custom.withRuntime { runtime in
      let targets = [String](repeating: "/fail", count: 20) + ["/"]
      let statuses = try await ask(address, for: targets, on: runtime)
      #expect(statuses == [Int](repeating: 500, count: 20) + [200])
    }
    program.signal(SIGTERM)
    #expect(await program.end() == .exited(0))
  }

  @Test func `A line written just before the end is not lost`() async throws {
    let program = try Program("WebApp", ["--demo", "--port", "0"])
    let address = try #require(await program.address())
    try await Backend.custom.withRuntime { runtime in
      let statuses = try await ask(address, for: ["/fail"], on: runtime)
      #expect(statuses == [500])
    }
    program.signal(SIGTERM)
    #expect(await program.end() == .exited(0))
    let form = /[-T:.0-9]{23}Z error: GET \/fail: FailedOnPurpose\(\) \(request [-0-9a-f]+, GET, route \/fail\)\n/
    let errors = await program.errors()
    #expect(errors.wholeMatch(of: form) != nil, "\(errors)")
  }

  @Test(arguments: Backend.allCases)
  func `It reports that it has reached its maximum of connections`(backend: Backend) async throws {
    let program = try Program(
      "WebApp", ["--port", "0", "--runtime", backend.rawValue, "--workers", "2"], after: "ulimit -n 128")
    let address = try #require(await program.address())
    try await Backend.custom.withRuntime { runtime in
      var streams: [any ByteStream] = []
      for _ in 0..<130 { streams.append(try await runtime.connect(to: address)) }
      // An eighth of the descriptors is reserved for other files.
      let line = try #require(await program.readErrorLine())
      #expect(
        line.dropFirst(25) == """
          warning: accept: the limit maximumConnections is reached; 112 connections are open, others have to wait
          """)
      for stream in streams { stream.close() }
    }
    program.signal(SIGTERM)
    #expect(await program.end() == .exited(0))
    // On a very slow machine, where this lasts longer than the interval between two reports, it reports it again.
    #expect(await program.errors().split(separator: "\n").allSatisfy { $0.contains("maximumConnections") })
  }

  @Test(arguments: Backend.allCases)
  func `It reports that it has no descriptors left`(backend: Backend) async throws {
    let program = try Program(
      "WebApp", ["--port", "0", "--runtime", backend.rawValue, "--workers", "2"], after: "ulimit -n 40")
    let address = try #require(await program.address())
    try await Backend.custom.withRuntime { runtime in
      var streams: [any ByteStream] = []
      for _ in 0..<50 { streams.append(try await runtime.connect(to: address)) }
      let line = try #require(await program.readErrorLine())
      #expect(line.contains("accept: Too many open files (errno 24); "))
      #expect(line.hasSuffix(" connections are open, others have to wait"))
      for stream in streams { stream.close() }
      let statuses = try await ask(address, for: ["/healthz"], on: runtime)
      #expect(statuses == [200])
    }
    program.signal(SIGTERM)
    #expect(await program.end() == .exited(0))
    // On a very slow machine, where the shortage lasts longer than the interval between two reports, it reports it
    // again.
    #expect(await program.errors().split(separator: "\n").allSatisfy { $0.contains("Too many open files") })
  }

  @Test(arguments: Backend.allCases)
  func `The access log goes to standard output, or to a file that SIGHUP reopens`(backend: Backend) async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/access"
    let program = try Program(
      "WebApp",
      ["--port", "0", "--runtime", backend.rawValue, "--access-log", "common", "--access-log-file", path])
    let address = try #require(await program.address())
    try await Backend.custom.withRuntime { runtime in
      var statuses = try await ask(address, for: ["/plaintext"], on: runtime)
      rename(path, path + ".1")
      program.signal(SIGHUP)
      while directory.text(of: "access") == nil {
        try #require(!program.isOver)
        await Task.yield()
      }
      statuses += try await ask(address, for: ["/healthz"], on: runtime)
      #expect(statuses == [200, 200])
    }
    program.signal(SIGTERM)
    #expect(await program.end() == .exited(0))
    #expect(await program.errors() == "")
    let text = (directory.text(of: "access.1") ?? "") + (directory.text(of: "access") ?? "")
    let lines = text.split(separator: "\n")
    #expect(lines.count == 2 && lines[0].contains(#""GET /plaintext HTTP/1.1" 200 13 "#), "\(text)")
    #expect(lines.last?.contains(#""GET /healthz HTTP/1.1" 200 "#) == true)
    #expect(directory.text(of: "access")?.contains("/healthz") == true)
  }

  @Test(arguments: Backend.allCases)
  func `With JSON logs, each line of both outputs is an object`(backend: Backend) async throws {
    let program = try Program(
      "WebApp", ["--demo", "--port", "0", "--runtime", backend.rawValue],
      environment: ["ACCESS_LOG=json", "ERROR_LOG=json"])
    let started = try #require(await program.readLine())
    let event = #/\{"time":"[-T:.0-9]{23}Z","level":"info","message":"Gearbox WebApp on http://(?<address>[^ ]+) .*"\}/#
    let match = try #require(started.wholeMatch(of: event), "\(started)")
    let address = try #require(SocketAddress(match.output.address))
    try await Backend.custom.withRuntime { runtime in
      let statuses = try await ask(address, for: ["/fail", "/plaintext"], on: runtime)
      #expect(statuses == [500, 200])
    }
    program.signal(SIGTERM)
    for (target, status) in [("/fail", 500), ("/plaintext", 200)] {
      let line = try #require(await program.readLine())
      #expect(line.hasPrefix("{\"time\":\"") && line.hasSuffix("}"), "\(line)")
      #expect(line.contains(#""target":"\#(target)","version":"HTTP/1.1","route":"\#(target)","status":\#(status),"#))
    }
    #expect(await program.end() == .exited(0))
    // A busy machine may cause reports of stalls as well.
    let errors = await program.errors().split(separator: "\n")
    #expect(errors.allSatisfy { $0.hasPrefix("{\"time\":\"") && $0.hasSuffix("}") }, "\(errors)")
    let error = try #require(errors.first { $0.contains(#""level":"error""#) })
    #expect(error.contains(#""message":"GET /fail: FailedOnPurpose()","request_id":""#), "\(error)")
    #expect(error.hasSuffix(#""method":"GET","route":"/fail"}"#), "\(error)")
  }

  @Test func `A log file that cannot be opened is an error that names the cause`() async throws {
    let program = try Program(
      "WebApp", ["--port=0", "--access-log-file=/nowhere/log"], environment: ["ACCESS_LOG=json"])
    #expect(await program.end() == .exited(EXIT_FAILURE))
    let message = "WebApp: cannot append to \"/nowhere/log\": open: No such file or directory (errno 2)\n"
    #expect(await program.errors() == message)
  }

  @Test(arguments: Backend.allCases)
  func `It serves on an inherited socket, and notifies the manager of start and stop`(backend: Backend) async throws {
    try await Backend.custom.withRuntime { runtime in
      let directory = try TemporaryDirectory()
      let manager: any DatagramSocket = try await runtime.bindDatagrams(on: .unix(path: directory.path + "/notify"))
      defer { manager.close() }
      let (listener, address) = try listenByHand()
      // A request sent before the program starts.
      let stream: any ByteStream = try await runtime.connect(to: address)
      let client = HTTPTestClient(AnyStream(stream))
      try await client.send("GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n")
      let program = try Program(
        "WebApp", ["--runtime", backend.rawValue, "--port=1"],
        environment: ["LISTEN_FDS=1", "LISTEN_FDNAMES=web", "NOTIFY_SOCKET=\(directory.path)/notify"],
        after: "export LISTEN_PID=$$", listener: listener)
      close(listener)
      #expect(await program.address() == address)
      #expect(String(decoding: try await manager.receive().bytes, as: UTF8.self) == "READY=1")
      #expect(try await client.readResponse().text == "Hello, World!")
      client.stream.close()
      program.signal(SIGTERM)
      #expect(String(decoding: try await manager.receive().bytes, as: UTF8.self) == "STOPPING=1")
      #expect(await program.end() == .exited(0))
      #expect(await program.errors() == "")
    }
  }

  @Test(arguments: Backend.allCases)
  func `Several processes serve on one socket, and a signal to the first ends all gracefully`(
    backend: Backend
  ) async throws {
    try await Backend.custom.withRuntime { runtime in
      let directory = try TemporaryDirectory()
      let manager: any DatagramSocket = try await runtime.bindDatagrams(on: .unix(path: directory.path + "/notify"))
      defer { manager.close() }
      let program = try Program(
        "WebApp", ["--port=0", "--runtime", backend.rawValue, "--processes=2"],
        environment: ["NOTIFY_SOCKET=\(directory.path)/notify"])
      let line = try #require(await program.readLine())
      #expect(line.hasSuffix(" (runtime \(backend.rawValue), 2 processes)"))
      let word = try #require(line.split(separator: " ").first { $0.hasPrefix("http://") })
      let address = try #require(SocketAddress(word.dropFirst(7)))
      #expect(String(decoding: try await manager.receive().bytes, as: UTF8.self) == "READY=1")
      let statuses = try await ask(address, for: ["/plaintext", "/healthz"], on: runtime)
      #expect(statuses == [200, 200])
      program.signal(SIGTERM)
      #expect(String(decoding: try await manager.receive().bytes, as: UTF8.self) == "STOPPING=1")
      #expect(await program.end() == .exited(0))
      #expect(await program.errors() == "")
    }
  }

  @Test func `A program that cannot start is not restarted endlessly`() async throws {
    let program = try Program(
      "WebApp", ["--port=0", "--access-log=json", "--access-log-file=/nowhere/log", "--processes=1"])
    #expect(await program.end() == .exited(EXIT_FAILURE))
    let errors = await program.errors()
    #expect(errors.hasPrefix("WebApp: cannot append to \"/nowhere/log\""), "\(errors)")
    #expect(errors.hasSuffix(") exited with status 1 before any process was ready\n"), "\(errors)")
  }

  @Test func `It ignores a socket for another process, and goes on without its manager`() async throws {
    let (listener, address) = try listenByHand()
    let program = try Program(
      "WebApp", ["--port=0"], environment: ["LISTEN_FDS=1", "LISTEN_PID=1", "NOTIFY_SOCKET=@gearbox-nobody"],
      after: "true", listener: listener)
    close(listener)
    let own = try #require(await program.address())
    #expect(own != address)
    let line = try #require(await program.readErrorLine())
    let reason = "the service manager could not be notified: send: Connection refused (errno 111)"
    #expect(line.hasSuffix("Z warning: NOTIFY_SOCKET: \(reason)"), "\(line)")
    program.signal(SIGTERM)
    #expect(await program.end() == .exited(0))
  }

  @Test(
    arguments: [
      (["LISTEN_FDS=x"], EX_USAGE, "LISTEN_FDS: \"x\" is not a whole number from 0 to "),
      (["LISTEN_FDS=2"], EX_USAGE, "LISTEN_FDS: 2 sockets were handed over, but the program uses at most one"),
      (["LISTEN_FDS=1"], EXIT_FAILURE, "cannot listen on the inherited socket: listen: "),
    ] as [([String], Int32, String)])
  func whatIsHandedOverAndMakesNoSenseIsAnErrorThatSaysSo(
    environment: [String], status: Int32, message: String
  ) async throws {
    let program = try Program("WebApp", ["--port=0"], environment: environment, after: "export LISTEN_PID=$$")
    #expect(await program.end() == .exited(status))
    let errors = await program.errors()
    #expect(errors.hasPrefix("WebApp: " + message), "\(errors)")
  }

  @Test(arguments: ["0<&-", "2>&-", "0<&- 2>&-", "0<&- 1>&- 2>&-"])
  func `Closed standard descriptors are opened on /dev/null`(redirections: String) async throws {
    let program = try Program("WebApp", ["--port", "0"], after: "exec \(redirections)")
    // The first descriptor that it opens, which would have got one of these numbers.
    while !program.files.contains("anon_inode:[eventpoll]") {
      try #require(!program.isOver)
      await Task.yield()
    }
    for closed in redirections.split(separator: " ") {
      #expect(program.file(Int32(String(closed.prefix(1))) ?? -1) == "/dev/null")
    }
    program.signal(SIGKILL)
    #expect(await program.end() == .signalled(SIGKILL))
  }

  @Test(arguments: [
    (["--port", "http"], "WebApp: --port: \"http\" is not a whole number from 0 to 65535\nTry WebApp --help.\n"),
    (["--fast"], "WebApp: unknown flag \"--fast\"\nTry WebApp --help.\n"),
  ])
  func aBadCommandLineIsAUsageError(arguments: [String], message: String) async throws {
    let program = try Program("WebApp", arguments)
    #expect(await program.readLine() == nil)
    #expect(await program.end() == .exited(EX_USAGE))
    #expect(await program.errors() == message)
  }

  @Test func aBadVariableIsAUsageError() async throws {
    let program = try Program("WebApp", [], environment: ["RUNTIME=fast"])
    #expect(await program.end() == .exited(EX_USAGE))
    let message = "WebApp: RUNTIME: \"fast\" is not one of concurrency, dispatch, custom\nTry WebApp --help.\n"
    #expect(await program.errors() == message)
  }

  @Test func `A port in use is an error that names the cause`() async throws {
    try await Backend.custom.withRuntime { runtime in
      let listener: any StreamListener = try await runtime.listen(on: .loopback(port: 0))
      defer { listener.close() }
      let address = listener.localAddress
      let program = try Program("WebApp", [], environment: ["PORT=\(address.port ?? 0)"])
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
    let program = try Program("WebApp", [flag])
    #expect(await program.readLine() == firstLine)
    #expect(await program.end() == .exited(0))
  }
}

/// A socket that listens on an address of its own, as systemd creates one.
private func listenByHand() throws -> (descriptor: Int32, address: SocketAddress) {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  let isListening =
    SocketAddress.loopback(port: 0).withSystemAddress { bind(descriptor, $0, $1) } == 0 && listen(descriptor, 16) == 0
  try #require(isListening)
  return (descriptor, try #require(SocketAddress(writtenBy: { getsockname(descriptor, $0, $1) })))
}

/// Requests one target after another on one connection to `address`, and returns the statuses.
private func ask(
  _ address: SocketAddress, for targets: [String], on runtime: some AsyncRuntime
) async throws -> [Int] {
  // In a task of the runtime: on Swift's pool, which all tests share, turns may be so far apart that the server closes
  // the connection as idle.
  try await runtime.spawn {
    let client = HTTPTestClient(try await runtime.connect(to: address))
    defer { client.stream.close() }
    var statuses: [Int] = []
    for target in targets { statuses.append(try await client.get(target).status) }
    return statuses
  }.value
}
