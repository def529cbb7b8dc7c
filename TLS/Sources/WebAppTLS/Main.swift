import Glibc
import Runtime
import RuntimeHTTP
import RuntimeSelection
import RuntimeTLS
import WebApp

/// The program: the web app over HTTPS, on the runtime that the environment names, until it is told to stop.
@main enum Main {
  static func main() {
    openStandardDescriptors()
    do {
      guard let options = try Options(CommandLine.arguments.dropFirst()) else { return say(Options.helpText) }
      let certificate = try CertificateFiles(options)
      var runtime = try RuntimeSettings.fromEnvironment()
      // `/block` may take a minute. To wait for a thread that long is worse than to be refused.
      runtime.blocking.queued = 0
      try runtime.run(Serve(address: options.address, certificate: certificate))
    } catch let error as UsageError {
      fail(EX_USAGE, "WebAppTLS: \(error)", "Try WebAppTLS --help.")
    } catch let error as InvalidSetting {
      fail(EX_USAGE, "WebAppTLS: \(error)", "Try WebAppTLS --help.")
    } catch {
      fail(EXIT_FAILURE, "WebAppTLS: \(error)")
    }
  }
}

/// Serves the web app on whichever runtime was chosen.
private struct Serve: RuntimeProgram {
  let address: SocketAddress
  let certificate: CertificateFiles
  /// The server waits for its requests itself.
  let grace = Duration.zero

  func run(on runtime: some AsyncRuntime) async throws {
    let app = WebApp(runtime: runtime)
    let source = try TLSSource(certificate.configuration)
    let listener = try await runtime.listen(on: address)
    let server = await app.makeServer { options, router in
      Server(runtime: runtime, listener: listener, options: options, tls: source, handler: router)
    }
    // What is printed to a pipe whose reader has gone is no reason to end.
    signal(SIGPIPE, SIG_IGN)
    try Signals.handle([.interrupt, .terminate]) { signal in
      // The second ends the process. 128 and the number is how a shell reports a process that a signal has ended.
      if app.isStopping.isSet { _exit(128 + signal.rawValue) }
      app.isStopping.set()
      runtime.execute { await server.shutdown() }
    }
    let reloads = try Signals([.hangup])
    let reloader = runtime.spawn {
      for await _ in reloads { await reload(source, on: runtime) }
    }
    say("Gearbox WebApp on https://\(server.localAddress) (runtime \(runtime.name), certificate \(certificate.path))")
    defer { reloader.cancel() }
    do throws(IOError) {
      try await server.run()
    } catch {
      // A signal that is quicker than the server ends it before it runs, and that is no failure.
      if !app.isStopping.isSet { throw error }
    }
  }

  /// Takes the certificate from its files again. If that fails, the one that there is stays.
  private func reload(_ source: TLSSource, on runtime: some AsyncRuntime) async {
    do {
      try await runtime.runBlocking { [certificate] in try source.replace(certificate.configuration) }
      LineWriter.standardError.write("WebAppTLS: new connections have the certificate that is in \(certificate.path)")
    } catch {
      LineWriter.standardError.write("WebAppTLS: the certificate stays as it was: \(error)")
    }
  }
}

/// A line on standard output, there at once even if that is a pipe.
private func say(_ line: String) {
  print(line)
  fflush(nil)
}

/// Ends the process with `status`, and with `lines` on standard error.
private func fail(_ status: Int32, _ lines: String...) -> Never {
  for line in lines { LineWriter.standardError.write(line) }
  LineWriter.standardError.flush(within: .seconds(1))
  exit(status)
}
