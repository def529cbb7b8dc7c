package import Runtime

/// The client's end of a connection, which sends and receives plain bytes.
package final class TestConnection {
  private let stream: AnyStream
  private var received: [UInt8] = []

  package init(_ stream: AnyStream) { self.stream = stream }

  package func send(_ text: String) async throws { try await send(Array(text.utf8)) }

  package func send(_ bytes: [UInt8]) async throws { try await stream.write(bytes) }

  /// Reads up to the first `mark`, including it.
  package func read(until mark: String) async throws -> String {
    let mark = Array(mark.utf8)
    while true {
      if let end = received.firstEnd(of: mark) {
        defer { received.removeFirst(end) }
        return String(decoding: received[..<end], as: UTF8.self)
      }
      guard try await more() else { throw EndOfStream(before: String(decoding: received, as: UTF8.self)) }
    }
  }

  /// Reads until the server closes the connection.
  package func readToEnd() async throws -> String {
    while try await more() {}
    defer { received = [] }
    return String(decoding: received, as: UTF8.self)
  }

  /// Counts the bytes until the server closes the connection.
  package func countToEnd() async throws -> Int {
    var count = 0
    repeat {
      count += received.count
      received = []
    } while try await more()
    return count
  }

  /// Closes the connection.
  package func close() { stream.close() }

  private func more() async throws -> Bool {
    let bytes = try await stream.read()
    received += bytes
    return !bytes.isEmpty
  }
}

/// The error for a connection that the server closes before the expected bytes.
package struct EndOfStream: Error {
  package let before: String
}

extension [UInt8] {
  /// The end of the first `mark`.
  fileprivate func firstEnd(of mark: [UInt8]) -> Int? {
    guard count >= mark.count else { return nil }
    return (0...count - mark.count).first { self[$0..<$0 + mark.count].elementsEqual(mark) }.map { $0 + mark.count }
  }
}
