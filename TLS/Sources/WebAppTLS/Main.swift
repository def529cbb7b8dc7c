import Glibc
import Runtime
import RuntimeHTTP
import RuntimeSelection
import RuntimeTLS
import WebApp

/// The web app over HTTPS, on the runtime that the environment names.
@main enum Main {
  static func main() {
    openStandardDescriptors()
    do {
      guard let options = try Options(CommandLine.arguments.dropFirst()) else { return printLine(Options.helpText) }
      let certificate = try CertificateFiles(options)
      var runtime = try RuntimeSettings.fromEnvironment()
      // `/block` may take a minute. Being refused is better than waiting that long for a thread.
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

/// Serves the web app on the selected runtime.
private struct Serve: RuntimeProgram {
  let address: SocketAddress
  let certificate: CertificateFiles
  /// The server itself waits for its requests.
  let grace = Duration.zero

  func run(on runtime: some AsyncRuntime) async throws {
    let app = WebApp(runtime: runtime)
    let source = try TLSSource(certificate.configuration)
    let listener = try await runtime.listen(on: address)
    let server = await app.makeServer { options, router in
      Server(runtime: runtime, listener: listener, options: options, tls: source, handler: router)
    }
    // A write to a pipe without a reader must not end the process.
    signal(SIGPIPE, SIG_IGN)
    try Signals.handle([.interrupt, .terminate]) { signal in
      // The second signal ends the process, with 128 plus its number as the status, as shells report it.
      if app.isStopping.isSet { _exit(128 + signal.rawValue) }
      app.isStopping.set()
      runtime.execute { await server.shutdown() }
    }
    let reloads = try Signals([.hangup])
    let reloader = runtime.spawn {
      for await _ in reloads { await reload(source, on: runtime) }
    }
    printLine(
      "Gearbox WebApp on https://\(server.localAddress) (runtime \(runtime.name), certificate \(certificate.path))")
    defer { reloader.cancel() }
    do throws(IOError) {
      try await server.run()
    } catch {
      // A signal that arrives before the server runs ends it, which is not a failure.
      if !app.isStopping.isSet { throw error }
    }
  }

  /// Reloads the certificate from its files. If that fails, keeps the current one.
  private func reload(_ source: TLSSource, on runtime: some AsyncRuntime) async {
    do {
      try await runtime.runBlocking { [certificate] in try source.replace(certificate.configuration) }
      LineWriter.standardError.write("WebAppTLS: new connections use the certificate in \(certificate.path)")
    } catch {
      LineWriter.standardError.write("WebAppTLS: keeping the current certificate: \(error)")
    }
  }
}

/// Prints a line and flushes it, even if standard output is a pipe.
private func printLine(_ line: String) {
  print(line)
  fflush(nil)
}

/// Writes `lines` to standard error and ends the process with `status`.
private func fail(_ status: Int32, _ lines: String...) -> Never {
  for line in lines { LineWriter.standardError.write(line) }
  LineWriter.standardError.flush(within: .seconds(1))
  exit(status)
}
