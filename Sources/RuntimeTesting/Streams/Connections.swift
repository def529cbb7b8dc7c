package import Runtime

extension AsyncRuntime {
  /// Returns both ends of a connection over `address`.
  package func connectedPair(
    _ address: SocketAddress = .loopback(port: 0)
  ) async throws -> (near: any ByteStream, far: any ByteStream) {
    let listener = try await listen(on: address)
    defer { listener.close() }
    let far = spawn { try await listener.accept() }
    let near = try await connect(to: listener.localAddress)
    return (near, try await far.value)
  }
}

/// Returns the `IOError` that `body` throws; `nil` if it throws none.
package func ioError(_ body: () async throws -> Void) async throws -> IOError? {
  do {
    try await body()
    return nil
  } catch let error as IOError {
    return error
  }
}
