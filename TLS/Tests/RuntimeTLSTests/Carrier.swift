import Runtime
import RuntimeKit
import RuntimePrimitives
import RuntimeTLS
import RuntimeTesting
import Testing

/// The kind of stream under TLS in a test.
enum Carrier: CaseIterable {
  /// Moves all available bytes at once.
  case whole
  /// Moves at most three bytes at a time.
  case narrow
  /// Moves one byte at a time, without plain reads and writes.
  case oneByte
  /// Ends a write only when all of it has been read.
  case lockstep

  func pair() -> (AnyStream, AnyStream) {
    switch self {
    case .whole: Self.any(MemoryStream.pair())
    case .narrow: Self.any(MemoryStream.pair(capacity: 3))
    case .oneByte: Self.any(MemoryStream.pair()) { AnyStream(OneByteStream($0)) }
    case .lockstep: Self.any(MemoryStream.pair(capacity: 0))
    }
  }

  private static func any(
    _ pair: (MemoryStream, MemoryStream), _ wrap: (MemoryStream) -> AnyStream = { AnyStream($0) }
  ) -> (AnyStream, AnyStream) {
    (wrap(pair.0), wrap(pair.1))
  }
}

/// A client and a server at the two ends of a connection.
struct Ends: Sendable {
  let client: TLSStream<AnyStream>
  let server: TLSStream<AnyStream>

  /// - Parameter name: the server's name for the client.
  init(
    _ carrier: Carrier = .whole, name: String = "localhost", server: TLSConfiguration = .server(),
    client: TLSConfiguration = .client()
  ) throws {
    try self.init(
      carrier.pair(), name: name, source: TLSSource(server), context: TLSContext(client))
  }

  init(
    _ pair: (AnyStream, AnyStream), name: String = "localhost", source: TLSSource, context: TLSContext
  ) throws {
    client = try TLSStream(client: pair.0, name: name, context: context)
    server = try TLSStream(server: pair.1, source: source)
  }

  /// Both ends, after their handshake.
  static func established(
    _ carrier: Carrier = .whole, name: String = "localhost", server: TLSConfiguration = .server(),
    client: TLSConfiguration = .client()
  ) async throws -> Ends {
    let ends = try Ends(carrier, name: name, server: server, client: client)
    try await ends.performHandshake()
    return ends
  }

  /// Does the handshake at both ends.
  func performHandshake() async throws {
    async let serving: Void = server.handshake()
    try await client.handshake()
    try await serving
  }

  /// The errors of the two ends, in the handshake or in the read after it.
  func failures() async -> (client: IOError?, server: IOError?) {
    async let serving = Self.failure(of: server)
    let client = await Self.failure(of: client)
    return await (client, serving)
  }

  /// Runs an end: one that fails closes its connection, and one that succeeds sends close_notify and reads to the end.
  private static func failure(of stream: TLSStream<AnyStream>) async -> IOError? {
    defer { stream.close() }
    do throws(IOError) {
      try await stream.handshake()
      // Fails if the peer has refused the handshake meanwhile; the read below returns its alert.
      try? await stream.shutdownWrite()
      _ = try await stream.readAll()
      return nil
    } catch {
      return error
    }
  }
}

extension IOError {
  /// The failure of TLS that caused the error.
  var failure: TLSFailure? { cause as? TLSFailure }
}

extension ByteStream {
  /// Reads until the peer has finished.
  func readAll() async throws(IOError) -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let some = try await read()
      if some.isEmpty { return all }
      all += some
    }
  }

  /// Reads `count` bytes, or fewer if the peer finishes before.
  func read(exactly count: Int) async throws(IOError) -> [UInt8] {
    var all: [UInt8] = []
    while all.count < count {
      let some = try await read(upTo: count - all.count)
      if some.isEmpty { break }
      all += some
    }
    return all
  }

  /// Reads `count` bytes as text.
  func readText(_ count: Int) async throws(IOError) -> String {
    String(decoding: try await read(exactly: count), as: UTF8.self)
  }

  func write(_ text: String) async throws(IOError) { try await write(Array(text.utf8)) }
}

/// Varying bytes, so that missing ones show.
func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) } }
