import CTLS
import Glibc

/// OpenSSL at one end of a connection: bytes in, bytes out, without input and output of its own.
struct Engine: ~Copyable {
  /// The outcome of a call.
  enum Outcome {
    case done
    /// All input is consumed, and more is needed.
    case wantsInput
    /// The peer has finished writing.
    case ended
    case failed(TLSFailure)
  }

  private let pointer: OpaquePointer

  /// Creates an end of a connection with `context`, which must outlive it. Returns `nil` if there is no memory.
  init?(_ context: TLSContext, isServer: Bool) {
    guard let pointer = gearbox_tls_connection_make(context.pointer, isServer) else { return nil }
    self.pointer = pointer
  }

  deinit { gearbox_tls_connection_free(pointer) }

  /// Requires the server's certificate to be valid for `name`, a host name or an address.
  ///
  /// - Returns: whether `name` is valid.
  func expect(_ name: String) -> Bool {
    // C would only check the part of the name before a NUL.
    !name.utf8.contains(0) && gearbox_tls_connection_expect(pointer, name)
  }

  /// Resumes a session of an earlier connection to `server`, if the context has one, and stores the sessions of this
  /// connection.
  func resume(_ server: String) { gearbox_tls_connection_resume(pointer, server) }

  func handshake(_ input: ByteChunk?) -> Outcome {
    let result = gearbox_tls_handshake(pointer, input?.bytes.baseAddress, input?.bytes.count ?? 0)
    input?.consume(result.consumed)
    return Outcome(result)
  }

  /// Decrypts `input` into `bytes`.
  func read(_ input: ByteChunk?, into bytes: UnsafeMutableRawBufferPointer) -> (outcome: Outcome, count: Int) {
    guard let start = bytes.baseAddress else { return (.done, 0) }
    let result = gearbox_tls_read(pointer, input?.bytes.baseAddress, input?.bytes.count ?? 0, start, bytes.count)
    input?.consume(result.consumed)
    return (Outcome(result), result.count)
  }

  /// Encrypts all of `bytes`, unless it fails.
  func write(_ bytes: RawSpan) -> Outcome {
    bytes.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return .done }
      return Outcome(gearbox_tls_write(pointer, start, bytes.count))
    }
  }

  /// Produces a `close_notify` for the peer.
  func shutdown() -> Outcome { Outcome(gearbox_tls_shutdown(pointer)) }

  /// Whether there are bytes for the peer.
  var hasOutput: Bool { gearbox_tls_output_length(pointer) > 0 }

  /// Takes the bytes for the peer.
  func takeOutput() -> ByteChunk? {
    var count = 0
    return gearbox_tls_take_output(pointer, &count).map { ByteChunk(adopting: $0, count: count) }
  }

  /// Whether there are decrypted bytes that have not been read.
  var hasPending: Bool { gearbox_tls_pending(pointer) > 0 }

  /// The negotiated parameters.
  var session: TLSSession {
    TLSSession(
      version: TLSVersion(number: gearbox_tls_version(pointer)),
      cipher: gearbox_tls_cipher(pointer).map { String(cString: $0) } ?? "",
      applicationProtocol: applicationProtocol,
      serverName: gearbox_tls_server_name(pointer).map { String(cString: $0) },
      peerCertificates: peerCertificates,
      ocspResponse: ocspResponse,
      isResumed: gearbox_tls_is_resumed(pointer))
  }

  /// The protocol selected by ALPN.
  var applicationProtocol: String? {
    var count = 0
    guard let start = gearbox_tls_protocol(pointer, &count) else { return nil }
    return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  private var ocspResponse: [UInt8]? {
    var count = 0
    guard let start = gearbox_tls_ocsp_response(pointer, &count) else { return nil }
    return Array(UnsafeBufferPointer(start: start, count: count))
  }

  private var peerCertificates: [[UInt8]] {
    var certificates: [[UInt8]] = []
    var count = 0
    while let bytes = gearbox_tls_peer_certificate(pointer, certificates.count, &count) {
      certificates.append(Array(UnsafeRawBufferPointer(start: bytes, count: count)))
      free(bytes)
    }
    return certificates
  }
}

extension Engine.Outcome {
  fileprivate init(_ result: gearbox_tls_result) {
    switch result.outcome {
    case gearbox_tls_done: self = .done
    case gearbox_tls_wants_input: self = .wantsInput
    case gearbox_tls_ended: self = .ended
    default: self = .failed(TLSFailure(result.failure))
    }
  }
}
