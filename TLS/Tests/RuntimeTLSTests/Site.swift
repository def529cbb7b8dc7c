import Glibc
import Runtime
import RuntimeHTTP
import RuntimeKit
import RuntimePrimitives
import RuntimeTLS
import Testing

/// A web server over TLS.
struct Site: Sendable {
  let runtime: any AsyncRuntime
  let address: SocketAddress
  let source: TLSSource
  let log: Log
  /// Starts the server's shutdown.
  let shutDown: @Sendable () async -> Void

  /// The log of a server.
  final class Log: Sendable {
    private let lines = Lock<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
  }

  /// Runs `body` with a server that responds with the version of HTTP of the request, and shuts the server down.
  static func serve(
    on backend: Backend, _ configuration: TLSConfiguration = .server { $0.applicationProtocols = ["h2", "http/1.1"] },
    options: ServerOptions = .patient, _ body: (Site) async throws -> Void
  ) async throws {
    func serve(_ runtime: some AsyncRuntime) async throws {
      let (source, log) = (try TLSSource(configuration), Log())
      var options = options
      options.log = { log.add($0.message) }
      var router = Router()
      router.get("/") { request in .text("\(request.version)") }
      router.get("/client") { request in
        .text("\(request.attribute(TLSSession.self)?.peerCertificates.first?.count ?? 0)")
      }
      router.get("/large") { _ in Response(body: .bytes(pattern(1_000_000))) }
      let server = Server(
        runtime: runtime, listener: try await runtime.listen(on: .loopback(port: 0)), options: options, tls: source,
        handler: router)
      let running = runtime.spawn { try await server.run() }
      let result: Result<Void, any Error>
      do {
        let site = Site(runtime: runtime, address: server.localAddress, source: source, log: log) {
          await server.shutdown(grace: .zero)
        }
        result = .success(try await body(site))
      } catch {
        result = .failure(error)
      }
      await server.shutdown(grace: .zero)
      try await running.value
      try result.get()
    }
    try await backend.withRuntime { runtime in try await serve(runtime) }
  }

  /// A connection to it, before the handshake.
  func connect(_ protocols: [String] = [], as client: Certificate? = nil) async throws -> TLSStream<AnyStream> {
    let context = try TLSContext(
      .client {
        $0.applicationProtocols = protocols
        if let client { $0.identities = [client.identity] }
      })
    return try TLSStream(client: try await connectInTheClear(), name: "localhost", context: context)
  }

  /// - Parameter resets: whether closing the connection resets it.
  func connectInTheClear(resets: Bool = false) async throws -> AnyStream {
    var options = ConnectOptions()
    options.tcp.resetsOnClose = resets
    func connect(_ runtime: some AsyncRuntime) async throws -> AnyStream {
      AnyStream(try await runtime.connect(to: address, options: options))
    }
    return try await connect(runtime)
  }
}

extension ServerOptions {
  /// Options with timeouts that no client reaches, even on a slow machine.
  static var patient: ServerOptions {
    var options = ServerOptions()
    (options.headTimeout, options.idleTimeout, options.stallTimeout) = (.seconds(3600), .seconds(3600), .seconds(3600))
    return options
  }
}

extension ByteStream {
  /// Requests `/` over the first of `protocols`, or over HTTP/1 if there is none, and expects an answer.
  func get(_ protocols: [String]) async throws {
    if protocols.first == "h2" {
      #expect(try await getByHTTP2() == "HTTP/2")
    } else {
      try await write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try await readResponse().hasPrefix("HTTP/1.1 200"))
    }
  }

  /// Reads an HTTP/1 response with a content-length.
  func readResponse() async throws -> String {
    var text = ""
    while !text.isWhole {
      let some = try await read()
      if some.isEmpty { break }
      text += String(decoding: some, as: UTF8.self)
    }
    return text
  }

  /// Requests `/` over HTTP/2 (RFC 9113), and returns the content of the response if its status is 200.
  func getByHTTP2() async throws -> String? {
    // GET, https and / from the static table, and then the authority as a literal.
    let fields: [UInt8] = [0x82, 0x87, 0x84, 0x41, 9] + Array("localhost".utf8)
    let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
    // END_STREAM and END_HEADERS, on stream 1.
    let head: [UInt8] = [0, 0, UInt8(fields.count), 1, 5, 0, 0, 0, 1]
    try await write(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + settings + head + fields)
    var content: [UInt8]?
    while true {
      let head = try await read(exactly: 9)
      guard head.count == 9 else { return nil }
      let payload = try await read(exactly: Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2]))
      // 0x88 is the status 200 in the static table.
      if head[3] == 1, payload.first == 0x88 { content = [] }
      if head[3] == 0 { content? += payload }
      if head[3] <= 1, head[4] & 1 == 1 { return content.map { String(decoding: $0, as: UTF8.self) } }
    }
  }
}

extension String {
  /// Whether it is a complete HTTP/1 response.
  fileprivate var isWhole: Bool {
    let lines = split(separator: "\r\n", omittingEmptySubsequences: false)
    guard let end = lines.firstIndex(of: "") else { return false }
    let head = lines[..<end]
    let field = head.first { $0.lowercased().hasPrefix("content-length: ") }
    let length = field.flatMap { Int($0.dropFirst("content-length: ".count)) } ?? 0
    return utf8.count >= head.reduce(2) { $0 + $1.utf8.count + 2 } + length
  }
}
