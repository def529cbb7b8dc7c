import CCertificates
import Glibc
import Runtime
import RuntimeTLS
import Testing

/// A server, tested with the program `openssl`.
@Suite(.timeLimit(.minutes(2)), .enabled(if: access("/usr/bin/openssl", X_OK) == 0)) struct CommandLineTests {
  /// Requests `/` with `openssl s_client`, and returns its output.
  private func ask(_ site: Site, _ arguments: String) async throws -> String {
    guard case .ipv4(_, let port) = site.address else { return "" }
    let command = """
      printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 20 openssl s_client -connect 127.0.0.1:\(port) -servername localhost \
      -ign_eof \(arguments) 2>&1
      """
    return try await site.runtime.runBlocking {
      guard let pipe = popen(command, "r") else { return "" }
      defer { pclose(pipe) }
      var (text, line) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
      while case let count = fread(&line, 1, line.count, pipe), count > 0 { text += line.prefix(count) }
      return String(decoding: text, as: UTF8.self)
    }
  }

  /// Makes two requests, the second with the session of the first, and returns the output of the second.
  ///
  /// - Parameter meanwhile: runs between the two.
  private func askTwice(
    _ site: Site, _ arguments: String, meanwhile: () throws -> Void = {}
  ) async throws -> String {
    let directory = TemporaryDirectory()
    let path = directory.file("session")
    let first = try await ask(site, "-sess_out \(path) \(arguments)")
    #expect(first.contains("\nNew, TLSv1"), "\(first)")
    try meanwhile()
    return try await ask(site, "-sess_in \(path) \(arguments)")
  }

  @Test(arguments: ["-tls1_2", "-tls1_3"])
  func `A session is resumed, also after the certificate has been replaced`(version: String) async throws {
    try await Site.serve(on: .custom) { site in
      for meanwhile in [{}, { try site.source.replace(.server(Authority.example)) }] {
        let second = try await askTwice(site, version, meanwhile: meanwhile)
        #expect(second.contains("\nReused, TLSv1") && second.contains("HTTP/1.1 200"), "\(second)")
      }
    }
  }

  @Test(arguments: ["-tls1_2", "-tls1_3"])
  func `No session is resumed without tickets, or once the server requires more of clients`(
    version: String
  ) async throws {
    try await Site.serve(on: .custom, .server { $0.ticketKeyLifetime = nil }) { site in
      let second = try await ask(site, version)
      #expect(
        second.contains("\nNew, TLSv1") && second.contains("HTTP/1.1 200") && !second.contains("TLS session ticket:"))
    }
    try await Site.serve(on: .custom) { site in
      let second = try await askTwice(site, version) {
        try site.source.replace(
          .server {
            $0.clientCertificates = .required(roots: [.text(Authority.trusted.chain)])
          })
      }
      #expect(!second.contains("HTTP/1.1 200"), "\(second)")
    }
  }

  @Test func `An OCSP response is sent to clients that ask for it`() async throws {
    // A complete response with just the status "unauthorized" (RFC 6960 section 4.2.1).
    let response: [UInt8] = [0x30, 3, 0x0a, 1, 6]
    let directory = TemporaryDirectory()
    var configuration = TLSConfiguration.server()
    configuration.identities[0].ocspResponsePath = directory.file("response", response)
    try await Site.serve(on: .custom, configuration) { site in
      let asking = try await ask(site, "-status")
      #expect(asking.contains("OCSP Response Status: unauthorized"), "\(asking)")
      #expect(try await ask(site, "").contains("HTTP/1.1 200"))
    }
    try await Site.serve(on: .custom) { site in
      let asking = try await ask(site, "-status")
      #expect(asking.contains("OCSP response: no response sent"), "\(asking)")
    }
  }

  @Test func `Early data is refused, and the session is still resumed`() async throws {
    try await Site.serve(on: .custom) { site in
      let directory = TemporaryDirectory()
      let path = directory.file("session")
      #expect(try await ask(site, "-tls1_3 -sess_out \(path)").contains("\nNew, TLSv1.3"))
      let session = try await site.runtime.runBlocking { try readText(path) }
      // The server does not announce that it accepts early data, and has to ignore a client that sends some anyway.
      let eager = allow_early_data(session)
      defer { free(eager) }
      let eagerPath = directory.file("eager", try #require(eager.map { String(cString: $0) }))
      let request = directory.file("request", "GET /large HTTP/1.0\r\n\r\n")
      let answer = try await ask(site, "-tls1_3 -sess_in \(eagerPath) -early_data \(request)")
      #expect(answer.contains("Early data was rejected") && answer.contains("\nReused, TLSv1.3"), "\(answer)")
      #expect(answer.contains("HTTP/1.1 200") && answer.contains("Content-Length: 8\r\n"), "\(answer)")
    }
  }

  private func readText(_ path: String) throws -> String {
    guard let file = fopen(path, "r") else { throw IOError(.read, .system(errno)) }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 64 * 1024)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  @Test func `Old versions and ciphers without forward secrecy are refused`() async throws {
    try await Site.serve(on: .custom) { site in
      for arguments in ["-tls1", "-tls1_1", "-tls1_2 -cipher AES128-SHA", "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA"] {
        let answer = try await ask(site, arguments)
        #expect(!answer.contains("HTTP/1.1"), "\(arguments): \(answer)")
      }
    }
  }
}
