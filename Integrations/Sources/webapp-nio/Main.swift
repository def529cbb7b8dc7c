import Glibc
import Runtime
import RuntimeHTTP
import RuntimeNIO
import RuntimeSelection
import WebApp

/// The web app on 127.0.0.1, port `PORT` or 7878, where `RUNTIME` may also be `nio`.
@main struct Main: RuntimeProgram {
  /// The server itself waits for its requests.
  let grace = Duration.zero

  static func main() {
    Main().runOrExit(adding: "nio") { settings in try NIORuntime(loops: settings.workers, blocking: settings.blocking) }
  }

  func run(on runtime: some AsyncRuntime) async throws {
    let app = WebApp(runtime: runtime)
    let server = try await app.makeServer(on: .loopback(port: try port()))
    // A write to a pipe without a reader must not end the process.
    signal(SIGPIPE, SIG_IGN)
    try Signals.handle([.interrupt, .terminate]) { signal in
      // The second signal ends the process, with 128 plus its number as the status, as shells report it.
      if app.isStopping.isSet { _exit(128 + signal.rawValue) }
      app.isStopping.set()
      runtime.execute { await server.shutdown() }
    }
    print("Gearbox WebApp on http://\(server.localAddress) (runtime \(runtime.name), \(runtime.workerCount) workers)")
    fflush(nil)
    do throws(IOError) {
      try await server.run()
    } catch {
      // A signal that arrives before the server runs ends it, which is not a failure.
      if !app.isStopping.isSet { throw error }
    }
  }

  private func port() throws(InvalidSetting) -> UInt16 {
    guard let text = getenv("PORT"), text.pointee != 0 else { return 7878 }
    return UInt16(try SettingFormat.wholeNumber(in: 0...65_535).value(String(cString: text), of: "PORT"))
  }
}
