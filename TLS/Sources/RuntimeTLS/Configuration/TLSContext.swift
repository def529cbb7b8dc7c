import CTLS

/// The shared, immutable settings of a client's connections, usable for any number of connections. It also stores their
/// sessions, which later connections of the same context to the same servers resume.
///
/// Servers use a ``TLSSource``, which creates its own contexts.
public final class TLSContext: Sendable {
  /// Unchecked: OpenSSL's reference counts and the stored sessions are protected by locks in C. Nothing else changes
  /// after creation.
  nonisolated(unsafe) let pointer: OpaquePointer
  /// Retained for as long as `pointer` uses them.
  private let ticketKeys: TicketKeys?

  /// Creates a context for clients from `configuration`. Settings for servers are ignored.
  ///
  /// It reads files, which blocks.
  ///
  /// - Throws: ``TLSConfigurationError``, which names the invalid file or setting.
  public convenience init(_ configuration: TLSConfiguration) throws(TLSConfigurationError) {
    try self.init(configuration, isServer: false, ticketKeys: nil)
  }

  init(_ configuration: TLSConfiguration, isServer: Bool, ticketKeys: TicketKeys?) throws(TLSConfigurationError) {
    guard let pointer = gearbox_tls_context_make(isServer) else {
      throw TLSConfigurationError(subject: "OpenSSL", reason: "out of memory")
    }
    self.pointer = pointer
    self.ticketKeys = ticketKeys
    try setUp(configuration)
    if isServer {
      try setUpServer(configuration)
    } else {
      try setUpClient(configuration)
    }
  }

  deinit { gearbox_tls_context_free(pointer) }

  private func setUp(_ configuration: TLSConfiguration) throws(TLSConfigurationError) {
    let (oldest, newest) = (configuration.minimumVersion, configuration.maximumVersion)
    guard oldest <= newest, gearbox_tls_context_set_versions(pointer, oldest.number, newest.number) else {
      throw TLSConfigurationError(
        subject: "minimumVersion", reason: "there is no version from \(oldest) to \(newest): choose 1.2 or 1.3 for each"
      )
    }
    guard gearbox_tls_context_set_ciphers(pointer, configuration.ciphers) else {
      throw TLSConfigurationError(
        subject: "ciphers", reason: "OpenSSL knows no cipher of “\(configuration.ciphers)” (see `openssl ciphers`)")
    }
    if let suites = configuration.cipherSuites, !gearbox_tls_context_set_suites(pointer, suites) {
      throw TLSConfigurationError(
        subject: "cipherSuites", reason: "OpenSSL does not know all of “\(suites)” (see `openssl ciphers -s -tls1_3`)")
    }
    if !configuration.applicationProtocols.isEmpty { try setProtocols(configuration.applicationProtocols) }
    for identity in configuration.identities { try add(identity) }
  }

  private func setUpServer(_ configuration: TLSConfiguration) throws(TLSConfigurationError) {
    if configuration.identities.isEmpty {
      throw TLSConfigurationError(subject: "identities", reason: "a server needs a certificate and its key")
    }
    if configuration.refusesUnknownNames { gearbox_tls_context_refuse_unknown_names(pointer) }
    let clients = configuration.clientCertificates
    let (peer, mark): (gearbox_tls_peer, UInt8) =
      switch clients.demand {
      case .none: (gearbox_tls_peer_unverified, 0)
      case .requested: (gearbox_tls_peer_requested, 1)
      case .required: (gearbox_tls_peer_required, 2)
      }
    gearbox_tls_context_set_peer(pointer, peer)
    var scope = [mark]
    if clients.demand != .none { scope += try add(clients.roots, for: "clientCertificates") }
    guard let ticketKeys else { return }
    let isSet = scope.withUnsafeBytes {
      gearbox_tls_context_set_tickets(pointer, ticketKeys.pointer, $0.baseAddress, $0.count)
    }
    guard isSet else { throw TLSConfigurationError(subject: "ticketKeyLifetime", reason: "OpenSSL rejects the keys") }
  }

  private func setUpClient(_ configuration: TLSConfiguration) throws(TLSConfigurationError) {
    try setTrust(configuration.trust)
    if case .anything = configuration.trust.kind, configuration.stapling.value == gearbox_tls_stapling_required {
      throw TLSConfigurationError(
        subject: "stapling", reason: "trust in anything allows only none or requested")
    }
    gearbox_tls_context_set_stapling(pointer, configuration.stapling.value)
    let capacity = configuration.sessionCapacity
    if capacity == 0 { return }
    guard (1...mostSessions).contains(capacity) else {
      throw TLSConfigurationError(
        subject: "sessionCapacity", reason: "\(capacity) is not a number from 0 to \(mostSessions)")
    }
    guard gearbox_tls_context_keep_sessions(pointer, capacity) else {
      throw TLSConfigurationError(subject: "sessionCapacity", reason: "out of memory for \(capacity) sessions")
    }
  }

  private func setTrust(_ trust: TLSConfiguration.Trust) throws(TLSConfigurationError) {
    switch trust.kind {
    case .anything: return
    case .system:
      guard gearbox_tls_context_trust_system(pointer) else {
        throw TLSConfigurationError(subject: "trust", reason: "the system's roots cannot be loaded")
      }
    case .roots(let roots): _ = try add(roots, for: "trust")
    }
    gearbox_tls_context_set_peer(pointer, gearbox_tls_peer_required)
  }

  private func setProtocols(_ protocols: [String]) throws(TLSConfigurationError) {
    var list: [UInt8] = []
    for name in protocols {
      let bytes = Array(name.utf8)
      guard (1...255).contains(bytes.count) else {
        throw TLSConfigurationError(
          subject: "applicationProtocols", reason: "a protocol name has 1 to 255 bytes, unlike “\(name)”")
      }
      list += [UInt8(bytes.count)] + bytes
    }
    // The handshake stores the length of the list in two bytes.
    let isSet = list.count <= 65_535 && gearbox_tls_context_set_protocols(pointer, list, list.count)
    guard isSet else { throw TLSConfigurationError(subject: "applicationProtocols", reason: "the list is too long") }
  }

  /// Trusts `roots`, and returns all of their bytes.
  private func add(_ roots: [PEM], for setting: String) throws(TLSConfigurationError) -> [UInt8] {
    guard !roots.isEmpty else {
      throw TLSConfigurationError(subject: setting, reason: "at least one root is required")
    }
    var all: [UInt8] = []
    for root in roots {
      let bytes = try root.read(as: setting)
      if let reason = gearbox_tls_context_add_roots(pointer, bytes, bytes.count) {
        throw TLSConfigurationError(subject: root.name("the roots of \(setting)"), reason: String(cString: reason))
      }
      all += bytes
    }
    return all
  }

  private func add(_ identity: TLSIdentity) throws(TLSConfigurationError) {
    let chain = try identity.chain.read(as: "the certificate")
    let key = try identity.key.read(as: "the key")
    let ocsp = if let path = identity.ocspResponsePath { try readFile(path) } else { [UInt8]() }
    var reason: UnsafePointer<CChar>?
    let wrong = gearbox_tls_context_add_identity(
      pointer, chain, chain.count, key, key.count, ocsp, ocsp.count, &reason)
    let (certificateName, keyName) = (identity.chain.name("the certificate"), identity.key.name("the key"))
    let subject: String
    switch wrong {
    case gearbox_tls_part_none: return
    case gearbox_tls_part_certificate: subject = certificateName
    case gearbox_tls_part_key: subject = keyName
    default: subject = certificateName == keyName ? keyName : "\(keyName), \(certificateName)"
    }
    throw TLSConfigurationError(
      subject: subject, reason: reason.map { String(cString: $0) } ?? "OpenSSL cannot use it")
  }
}

/// The maximum number of sessions: a session takes some kilobytes, and a lookup searches all of them.
private let mostSessions = 65_536

/// The keys with which a server encrypts session tickets.
final class TicketKeys: Sendable {
  /// Unchecked: a lock in C protects the keys.
  nonisolated(unsafe) let pointer: OpaquePointer

  init(lifetime: Duration) throws(TLSConfigurationError) {
    let seconds = lifetime.components.seconds
    // Twice the lifetime must fit into an `Int64`. OpenSSL limits a session to a week.
    guard (1...604_800).contains(seconds) else {
      throw TLSConfigurationError(
        subject: "ticketKeyLifetime", reason: "\(lifetime) is not between a second and a week")
    }
    guard let pointer = gearbox_tls_ticket_keys_make(seconds) else {
      throw TLSConfigurationError(subject: "ticketKeyLifetime", reason: "out of memory")
    }
    self.pointer = pointer
  }

  deinit { gearbox_tls_ticket_keys_free(pointer) }
}
