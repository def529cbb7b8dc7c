extension AsyncRuntime {
  /// Connects to the host `name`, at the first of its addresses that answers.
  ///
  /// It tries IPv6 and IPv4 addresses alternately and starts an attempt a quarter of a second after the previous one,
  /// or at once if that one has failed (RFC 8305, "Happy Eyeballs"). Cancelling the task ends all attempts.
  ///
  /// - Parameter name: a host name, or an address as text.
  /// - Throws: the error of ``addresses(ofHost:port:)``, or one of ``IOError/Operation/connect`` whose cause is
  ///   ``UnreachableHost`` if no address can be connected to.
  public func connect(
    toHost name: String, port: UInt16, options: ConnectOptions = ConnectOptions()
  ) async throws(IOError) -> Listener.Stream {
    let addresses = try await addresses(ofHost: name, port: port)
    let race = ConnectionRace(clock: clock) { (address) async throws(IOError) in
      try await connect(to: address, options: options)
    }
    return try await race.connect(to: name, at: addresses)
  }

  public func addresses(ofHost name: String, port: UInt16) async throws(IOError) -> [SocketAddress] {
    if let address = SocketAddress(host: name, port: port) { return [address] }
    do {
      return try await runBlocking { try resolve(name, port: port) }
    } catch let error as IOError {
      throw error
    } catch {
      // `runBlocking` throws this error on shutdown too.
      if error is CancellationError { throw IOError(.resolve, Task.isCancelled ? .cancelled : .closed) }
      throw IOError(.resolve, causedBy: error)
    }
  }
}
