import Glibc
import HelloSite
import Runtime
import RuntimeHTTP
import RuntimeSelection

/// A proxy for CONNECT requests over HTTP/1.1 and HTTP/2.
///
/// Usage: tunnel [HOST ...]. It forwards to these hosts only. The default is this machine.
@main struct Tunnel: RuntimeProgram {
  let hosts: Set<String>

  static func main() {
    let hosts = CommandLine.arguments.dropFirst()
    Tunnel(hosts: hosts.isEmpty ? ["127.0.0.1", "::1", "localhost"] : Set(hosts)).runOrExit()
  }

  func run(on runtime: some AsyncRuntime) async throws {
    let forwarder = Forwarder(runtime: runtime, hosts: hosts)
    let server = try await Server(runtime: runtime, address: .loopback(port: Settings.port), handler: forwarder)
    print("Listening on http://\(server.localAddress)")
    fflush(nil)
    try await server.run()
  }
}

/// Answers a CONNECT request with a tunnel to the host that the request names.
struct Forwarder<R: AsyncRuntime>: Handler {
  let runtime: R
  /// The hosts that the proxy may connect to.
  let hosts: Set<String>

  func respond(to request: Request) async throws -> Response {
    // An extended CONNECT (RFC 8441) has a path, and is not for a proxy.
    guard request.method == .connect, request.path.isEmpty else {
      throw HTTPError(.methodNotAllowed, "This is a proxy for CONNECT.", headers: ["Allow": "CONNECT"])
    }
    guard let (host, port) = request.authority.flatMap(split) else { throw HTTPError(.badRequest) }
    guard hosts.contains(host.lowercased()) else { throw HTTPError(.forbidden, "No tunnels to \(host).") }
    let peer = try await connect(to: host, port)
    return .tunnel { client in
      defer { peer.close() }
      // If one direction fails, the group cancels the other.
      try await withThrowingDiscardingTaskGroup { directions in
        directions.addTask { try await copy(from: client, to: peer) }
        directions.addTask { try await copy(from: peer, to: client) }
      }
    }
  }

  private func connect(to host: String, _ port: UInt16) async throws -> R.Listener.Stream {
    do {
      return try await withTimeout(.seconds(10), on: runtime.clock) {
        try await runtime.connect(toHost: host, port: port)
      }
    } catch let error where !error.isCancellation {
      throw HTTPError(.badGateway, "\(error)")
    }
  }
}

/// The host and port in `authority`, such as `example.org:443` or `[::1]:443`.
private func split(_ authority: String) -> (host: String, port: UInt16)? {
  guard let colon = authority.lastIndex(of: ":") else { return nil }
  guard let port = UInt16(authority[colon...].dropFirst()) else { return nil }
  let host = authority[..<colon]
  let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
  return (String(isBracketed ? host.dropFirst().dropLast() : host), port)
}

/// Copies bytes from `source` until it ends, and then shuts down writing to `target`. The other direction continues.
private func copy(from source: some ByteStream, to target: some ByteStream) async throws {
  while true {
    let bytes = try await source.read(upTo: 64 * 1024)
    if bytes.isEmpty { break }
    try await target.write(bytes)
  }
  try await target.shutdownWrite()
}
