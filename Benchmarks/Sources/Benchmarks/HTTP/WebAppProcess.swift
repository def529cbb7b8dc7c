import Foundation

/// The web app, running with one worker in a process of its own, on a port that the system chooses.
struct WebAppProcess {
  let port: UInt16
  private let process = Process()

  /// The app, which is built with this program, in the same directory.
  static func find() throws -> URL {
    let app = Bundle.main.bundleURL.appending(path: "WebApp")
    guard FileManager.default.isExecutableFile(atPath: app.path) else {
      throw Unavailable("the web app is not at \(app.path): swift build builds it with the benchmarks")
    }
    return app
  }

  /// Starts the app, on one core if `core` is given.
  init(_ app: URL, runtime: String, core: Int?) throws {
    let output = Pipe()
    process.executableURL = core == nil ? app : URL(filePath: "/usr/bin/env")
    process.arguments = core.map { ["taskset", "-c", "\($0)", app.path] } ?? []
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["RUNTIME": runtime, "RUNTIME_WORKERS": "1", "HOST": "127.0.0.1", "PORT": "0"]) { $1 }
    process.standardOutput = output
    try process.run()
    // The app prints one line once it listens: "Gearbox WebApp on http://127.0.0.1:PORT (...)".
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    guard let address = line.firstMatch(of: /http:\/\/[\d.]+:(\d+)/), let port = UInt16(address.1) else {
      process.terminate()
      throw Unavailable("the web app did not start: \(line)")
    }
    self.port = port
  }

  func stop() {
    process.terminate()
    process.waitUntilExit()
  }

  var url: String { "http://127.0.0.1:\(port)/plaintext" }

  /// The processor time so far, in seconds.
  var processorTime: (user: Double, kernel: Double) {
    // The 12th and 13th field after the name in brackets, which may contain spaces (proc(5): utime, stime).
    let fields = read("stat").split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 12, let user = Double(fields[11]), let kernel = Double(fields[12]) else { return (0, 0) }
    let tick = Double(sysconf(Int32(_SC_CLK_TCK)))
    return (user / tick, kernel / tick)
  }

  /// Its resident memory, in bytes.
  var residentMemory: Int {
    let pages = read("statm").split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  private func read(_ file: String) -> String {
    (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/\(file)", encoding: .utf8)) ?? ""
  }
}
