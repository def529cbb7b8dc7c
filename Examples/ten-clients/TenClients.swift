import Glibc
import Runtime
import RuntimeSelection

/// Ten clients that send requests to a server at the same time. Each reports how long it waited for its response.
@main struct TenClients: RuntimeProgram {
  /// The path that each client requests.
  static let paths = ["/sleep", "/", "/", "/", "/", "/sleep", "/", "/", "/", "/"]

  let server: SocketAddress

  static func main() {
    let text = CommandLine.arguments.dropFirst().first ?? "127.0.0.1:7878"
    guard let server = SocketAddress(text) else {
      print("ten-clients: \(text.debugDescription) is no address, as 127.0.0.1:7878 is")
      exit(EX_USAGE)
    }
    for line in TenClients(server: server).runOrExit() { print(line) }
  }

  /// A line for each client.
  func run(on runtime: some AsyncRuntime) async throws -> [String] {
    let clock = runtime.clock
    let start = clock.now
    return try await withThrowingTaskGroup { clients in
      for (index, path) in Self.paths.enumerated() {
        // They connect one after another, so that the server accepts them in this order, but do not wait for responses.
        let stream = try await runtime.connect(to: server)
        clients.addTask {
          let status = try await get(path, from: stream)
          let waited = start.duration(to: clock.now) / .milliseconds(1)
          return (index, "client \(index + 1): \(path) gave \(status) after \(Int(waited.rounded())) ms")
        }
      }
      var lines = [String](repeating: "", count: Self.paths.count)
      for try await (index, line) in clients { lines[index] = line }
      return lines
    }
  }
}

/// Requests `path` and reads the whole response.
///
/// - Returns: the status code.
private func get(_ path: String, from stream: some ByteStream) async throws(IOError) -> String {
  try await stream.write(Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
  var response: [UInt8] = []
  while true {
    let chunk = try await stream.read(upTo: 4096)
    if chunk.isEmpty { break }
    response += chunk
  }
  // "HTTP/1.1 200 OK"
  return String(decoding: response.dropFirst(9).prefix(3), as: UTF8.self)
}
