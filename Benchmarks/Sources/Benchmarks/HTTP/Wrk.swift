import Foundation

/// wrk, a load generator for HTTP/1.1.
struct Wrk {
  init() throws {
    for tool in ["wrk", "taskset"] where (try? Self.run([tool, "--version"])) == nil {
      throw Unavailable("\(tool) is not installed (Debian: apt-get install \(tool == "wrk" ? tool : "util-linux"))")
    }
    guard ProcessInfo.processInfo.activeProcessorCount >= 2 else {
      throw Unavailable("two cores are needed, one for the server and one for the load")
    }
  }

  /// Requests `url` as fast as the server answers, with `pipeline` requests at a time on each connection.
  func run(
    _ url: String, connections: Int, pipeline: Int, seconds: Int, core: Int
  ) throws -> (count: Int, rate: Double) {
    let script = FileManager.default.temporaryDirectory.appending(path: "pipeline-\(getpid()).lua")
    try """
    init = function() all = string.rep(wrk.format(), \(pipeline)) end
    request = function() return all end
    """.write(to: script, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: script) }
    let text = try Self.run(
      ["taskset", "-c", "\(core)", "wrk", "-t1", "-c\(connections)", "-d\(seconds)s"]
        + (pipeline > 1 ? ["-s", script.path] : []) + [url])
    guard let count = text.firstMatch(of: /(\d+) requests in/).flatMap({ Int($0.1) }),
      let rate = text.firstMatch(of: /Requests\/sec: +([\d.]+)/).flatMap({ Double($0.1) }),
      !text.contains("Non-2xx"), !text.contains("Socket errors")
    else { throw Unavailable("wrk says:\n\(text)") }
    return (count, rate)
  }

  /// The output of a command.
  private static func run(_ command: [String]) throws -> String {
    let (process, output) = (Process(), Pipe())
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    // env ends with 127 if the command does not exist; wrk itself ends with 1 after printing its version.
    if process.terminationStatus == 127 { throw Unavailable("there is no \(command[0])") }
    return String(decoding: data, as: UTF8.self)
  }
}

/// An error: something that a suite needs is missing.
struct Unavailable: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
