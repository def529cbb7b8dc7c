import Glibc
import Runtime
import RuntimeConsole
import RuntimeHTTP
import RuntimeSelection
import WebApp

/// The program: parses the command line, chooses the runtime, and serves until it is told to stop.
@main enum Main {
  static func main() {
    openStandardDescriptors()
    do {
      switch try Invocation(
        CommandLine.arguments.dropFirst(), variable: { name in getenv(name).map { String(cString: $0) } })
      {
      case .help: printLine(Invocation.helpText)
      case .version: printLine("Gearbox \(gearboxVersion)")
      case .listRuntimes: printLine(Invocation.runtimeList)
      case .serve(let options):
        // Done before any threads exist, which might read the environment.
        let (socket, notifier) = (try inheritedSocket(), ServiceNotifier.take())
        let link = SupervisorLink.take()
        if link == nil, options.processes > 0 { exit(try supervise(options, socket, notifier)) }
        let logs = try Logs(options.logs)
        // Flushed on every way out.
        defer { logs.flush(within: exitFlushLimit) }
        var runtime = options.runtime
        // `/block` may take a minute. Refusing a request is better than waiting that long for a thread.
        runtime.blocking.queued = 0
        let stalls = StallLog()
        let serve = Serve(
          options: options, socket: socket, notifier: notifier, link: link, logs: logs, stalls: stalls)
        try runtime.run(serve) { [errors = logs.errors] stall in
          errors.write(stall)
          stalls.add(stall)
        }
      }
      LineWriter.standardError.flush(within: exitFlushLimit)
    } catch let error as InvalidListenVariable {
      fail(EX_USAGE, "WebApp: \(error)", "Try WebApp --help.")
    } catch let error as UsageError {
      fail(EX_USAGE, "WebApp: \(error)", "Try WebApp --help.")
    } catch {
      fail(EXIT_FAILURE, "WebApp: \(error)")
    }
  }

  /// Returns the socket inherited from systemd or from an earlier process, if there is one.
  private static func inheritedSocket() throws -> InheritedSocket? {
    let sockets = try InheritedSocket.takeAll()
    guard sockets.count <= 1 else {
      throw UsageError("LISTEN_FDS: \(sockets.count) sockets were handed over, but the program uses at most one")
    }
    return sockets.first
  }
}

/// Serves the web app on the chosen runtime.
private struct Serve: RuntimeProgram {
  let options: Options
  let socket: InheritedSocket?
  let notifier: ServiceNotifier?
  let link: SupervisorLink?
  let logs: Logs
  let stalls: StallLog
  /// The server itself waits for its requests. Blocking calls that are still running after that are not waited for.
  let grace = Duration.zero

  func run(on runtime: some AsyncRuntime) async throws {
    let app = WebApp(runtime: runtime, isDemo: options.isDemo, views: options.views, stalls: stalls)
    let server = try await listen(app)
    // Printing to a pipe whose reader has gone must not end the process.
    signal(SIGPIPE, SIG_IGN)
    let stop: @Sendable () -> Void = {
      app.isStopping.set()
      notify(.stopping)
      runtime.execute { await server.shutdown() }
    }
    try Signals.handle([.interrupt, .terminate]) { signal in
      // A second signal ends the process. Shells report a process ended by a signal as 128 plus its number.
      if app.isStopping.isSet { _exit(128 + signal.rawValue) }
      stop()
    }
    // A supervisor passes SIGHUP on in any case, so it must not end this process.
    if options.logs.accessFile != nil || link != nil { try Signals.handle([.hangup]) { _ in logs.reopen() } }
    if let link {
      link.notifyReady()
      runtime.execute { if await link.keepAlive(on: runtime.clock), !app.isStopping.isSet { stop() } }
    } else {
      let workers = runtime.workerCount == 1 ? "1 worker" : "\(runtime.workerCount) workers"
      logs.printLine("Gearbox WebApp on http://\(server.localAddress) (runtime \(runtime.name), \(workers))")
    }
    notify(.ready)
    do throws(IOError) {
      try await server.run()
    } catch {
      // A signal may end the server before it runs, which is not a failure.
      if !app.isStopping.isSet { throw error }
    }
  }

  private var serverOptions: ServerOptions {
    var server = ServerOptions()
    server.shutdownIdleGrace = options.idleGrace
    server.log = { [errors = logs.errors] event in errors.write(event) }
    if let response = options.overload {
      var overload = OverloadOptions()
      overload.response = response
      // Health checks and metrics are answered even under overload.
      overload.isExempt = { ["/healthz", "/metrics"].contains($0.path) || $0.path.hasPrefix("/console") }
      server.overload = overload
    }
    if let access = logs.access { server.observers.append(AccessLog(to: access)) }
    return server
  }

  private func listen<R: AsyncRuntime>(_ app: WebApp<R>) async throws(CannotListen) -> Server<R, Router> {
    do throws(IOError) {
      if let socket { return try await app.makeServer(on: socket, options: serverOptions) }
      return try await app.makeServer(on: options.address, listening: options.listening, options: serverOptions)
    } catch {
      throw CannotListen(address: socket == nil ? "\(options.address)" : "the inherited socket", error: error)
    }
  }

  /// Notifies the service manager, if there is one.
  private func notify(_ state: ServiceNotifier.State) {
    do throws(IOError) {
      try notifier?.notify(state)
    } catch {
      logs.errors.write(LogEvent(.warning, "NOTIFY_SOCKET: the service manager could not be notified: \(error)"))
    }
  }
}

struct CannotListen: Error, CustomStringConvertible {
  let address: String
  let error: IOError

  var description: String { "cannot listen on \(address): \(error)" }
}

/// Prints a line on standard output, and flushes it so that it appears at once even on a pipe.
func printLine(_ line: String) {
  print(line)
  fflush(nil)
}

/// Prints `lines` on standard error and ends the process with `status`.
private func fail(_ status: Int32, _ lines: String...) -> Never {
  for line in lines { LineWriter.standardError.write(line) }
  LineWriter.standardError.flush(within: exitFlushLimit)
  exit(status)
}

/// How long the exit waits for a standard error that is not read.
private let exitFlushLimit = Duration.seconds(1)
