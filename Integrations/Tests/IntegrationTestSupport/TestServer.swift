package import Runtime
package import RuntimeHTTP
package import RuntimeSelection

/// A server on real sockets, on a port that the system chooses.
package struct TestServer: Sendable {
  package let address: SocketAddress
  package let runtime: any AsyncRuntime

  package init(address: SocketAddress, runtime: any AsyncRuntime) {
    self.address = address
    self.runtime = runtime
  }

  /// Connects to it.
  package func connect() async throws -> TestConnection {
    func connect(_ runtime: some AsyncRuntime) async throws -> AnyStream {
      AnyStream(try await runtime.connect(to: address))
    }
    return TestConnection(try await connect(runtime))
  }

  /// Sends `request`, and returns all bytes up to the end of the connection.
  package func exchange(_ request: String) async throws -> String {
    let connection = try await connect()
    try await connection.send(request)
    return try await connection.readToEnd()
  }
}

/// Serves `handler` on a new runtime while `body` runs, and then stops the server and the runtime.
package func withServer(
  on kind: RuntimeKind, options: ServerOptions = ServerOptions(), handler: some Handler,
  _ body: (TestServer) async throws -> Void
) async throws {
  func serve(_ runtime: some AsyncRuntime) async throws {
    let server = try await Server(
      runtime: runtime, address: .loopback(port: 0), options: options, handler: handler)
    let running = Task { try await server.run() }
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(TestServer(address: server.localAddress, runtime: runtime)))
    } catch {
      result = .failure(error)
    }
    await server.shutdown(grace: .zero)
    try await running.value
    try result.get()
  }
  let runtime = try RuntimeSettings(kind: kind, workers: 2).makeRuntime()
  let result: Result<Void, any Error>
  do {
    result = .success(try await serve(runtime))
  } catch {
    result = .failure(error)
  }
  await runtime.shutdown(grace: .seconds(5))
  try result.get()
}
