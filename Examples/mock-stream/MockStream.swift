import ConnectionHandler
import Runtime
import RuntimeTesting

/// Runs the connection handler of chapters 2 and 3 on streams in memory, without a socket or a runtime.
@main enum MockStream {
  static func main() async throws {
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

    let stream = ScriptedStream(request)
    try await handleConnection(stream, clock: ContinuousClock(), sleep: .zero)
    print(stream.writtenText)

    await report("all at once", ScriptedStream(request))
    await report("in two pieces", ScriptedStream([Array(request.utf8.prefix(7)), Array(request.utf8.dropFirst(7))]))
    await report("byte by byte", ScriptedStream(request.utf8.map { [$0] }))
    await report("half of it", ScriptedStream(String(request.prefix(7))))
    await report("without an end", ScriptedStream(String(repeating: "GET ", count: 3000)))
    await report("nothing", ScriptedStream([]))
  }

  /// Prints a line about what the handler does with a stream.
  static func report(_ request: String, _ stream: ScriptedStream) async {
    do {
      try await handleConnection(stream, clock: ContinuousClock(), sleep: .zero)
    } catch {
      print("\(request): \(error)")
    }
    let answer = stream.written.isEmpty ? "no answer" : String(stream.writtenText.prefix { $0 != "\r\n" })
    print("\(request): \(answer), and the stream is \(stream.isClosed ? "closed" : "left open")")
  }
}
