import Glibc
import Runtime
import RuntimeSelection

/// A server that sends back what each of its clients sends.
///
/// Usage: echo-server [ADDRESS]. The default address is 127.0.0.1:8080.
@main struct EchoServer: RuntimeProgram {
  let address: SocketAddress

  static func main() {
    let text = CommandLine.arguments.dropFirst().first ?? "127.0.0.1:8080"
    guard let address = SocketAddress(text) else {
      print("echo-server: \(text.debugDescription) is no address, as 127.0.0.1:8080 or [::1]:8080 is")
      exit(EX_USAGE)
    }
    EchoServer(address: address).runOrExit()
  }

  func run(on runtime: some AsyncRuntime) async throws {
    let interrupts = try Signals([.interrupt])
    let listener = try await runtime.listen(on: address)
    print("Listening on \(listener.localAddress)")
    fflush(nil)
    let server = runtime.spawn { try await serve(listener) }
    let stopping = runtime.spawn {
      for await _ in interrupts { server.cancel() }
    }
    do {
      try await server.value
    } catch let error as IOError where error.reason == .cancelled {
      print("Stopped")
    }
    stopping.cancel()
  }
}

/// Accepts connections until `accept` fails, as it does when the task is cancelled. Then cancels the connections' tasks
/// and waits until they have ended.
func serve(_ listener: some StreamListener) async throws {
  try await withThrowingDiscardingTaskGroup { connections in
    while true {
      let stream = try await listener.accept()
      connections.addTask { await echo(stream) }
    }
  }
}

/// Sends back the bytes that arrive on `stream`, until the client finishes or disconnects, or the task is cancelled.
func echo(_ stream: some ByteStream) async {
  do {
    while true {
      let bytes = try await stream.read(upTo: 16 * 1024)
      if bytes.isEmpty { break }
      try await stream.write(bytes)
    }
  } catch {
    // The connection has ended, which does not affect the others.
  }
  stream.close()
}
