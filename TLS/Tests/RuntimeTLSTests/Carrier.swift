import Runtime
import RuntimeKit
import RuntimePrimitives
import RuntimeTLS
import RuntimeTesting
import Testing

/// What carries TLS in a test.
enum Carrier: CaseIterable {
  /// As much as comes, at once.
  case whole
  /// Three bytes at a time at most.
  case narrow
  /// One byte at a time, without plain reads and writes.
  case oneByte
  /// A write ends when all of it was read.
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

  /// - Parameter name: what the client calls the server.
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

  /// Both ends, once their handshake is done.
  static func shaken(
    _ carrier: Carrier = .whole, name: String = "localhost", server: TLSConfiguration = .server(),
    client: TLSConfiguration = .client()
  ) async throws -> Ends {
    let ends = try Ends(carrier, name: name, server: server, client: client)
    try await ends.shake()
    return ends
  }

  /// Does the handshake at both ends.
  func shake() async throws {
    async let serving: Void = server.handshake()
    try await client.handshake()
    try await serving
  }

  /// The errors that the two ends find, in the handshake or when they read what is said after it.
  func failures() async -> (client: IOError?, server: IOError?) {
    async let serving = Self.failure(of: server)
    let client = await Self.failure(of: client)
    return await (client, serving)
  }

  /// An end that fails closes its connection, and one that does not says that it is done and reads to the end.
  private static func failure(of stream: TLSStream<AnyStream>) async -> IOError? {
    defer { stream.close() }
    do throws(IOError) {
      try await stream.handshake()
      // A peer that has refused the handshake meanwhile takes it no more, but has said why.
      try? await stream.shutdownWrite()
      _ = try await stream.readAll()
      return nil
    } catch {
      return error
    }
  }
}

extension IOError {
  /// What of TLS has led to it.
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

/// Bytes that are not all the same, so that it shows if some are missing.
func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) } }
