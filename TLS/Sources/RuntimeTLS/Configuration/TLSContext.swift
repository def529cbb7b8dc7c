import CTLS

/// What the connections of a client have in common. It does not change, and may be used for any number of connections. It
/// keeps their sessions, which its later connections to the same servers resume, and those of no other context.
///
/// Servers have a ``TLSSource``, which makes contexts of its own.
public final class TLSContext: Sendable {
  /// OpenSSL counts references to what is in it behind locks of its own, and so do the kept sessions in C. Nothing else
  /// changes once it is made.
  nonisolated(unsafe) let pointer: OpaquePointer
  /// Kept for as long as `pointer` uses them.
  private let ticketKeys: TicketKeys?

  /// A context for connecting, as `configuration` says. What it has for servers only does not count.
  ///
  /// It reads files, which blocks.
  ///
  /// - Throws: ``TLSConfigurationError``, which names the file or the setting that cannot be used.
  public convenience init(_ configuration: TLSConfiguration) throws(TLSConfigurationError) {
    try self.init(configuration, isServer: false, ticketKeys: nil)
  }

  init(_ configuration: TLSConfiguration, isServer: Bool, ticketKeys: TicketKeys?) throws(TLSConfigurationError) {
    guard let pointer = gearbox_tls_context_make(isServer) else {
      throw TLSConfigurationError(subject: "OpenSSL", reason: "there is no memory for a context")
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
    guard isSet else { throw TLSConfigurationError(subject: "ticketKeyLifetime", reason: "OpenSSL makes no tickets") }
  }

  private func setUpClient(_ configuration: TLSConfiguration) throws(TLSConfigurationError) {
    try setTrust(configuration.trust)
    if case .anything = configuration.trust.kind, configuration.stapling.value == gearbox_tls_stapling_required {
      throw TLSConfigurationError(
        subject: "stapling", reason: "who trusts anything verifies no OCSP response: choose none or requested")
    }
    gearbox_tls_context_set_stapling(pointer, configuration.stapling.value)
    let capacity = configuration.sessionCapacity
    if capacity == 0 { return }
    guard (1...mostSessions).contains(capacity) else {
      throw TLSConfigurationError(
        subject: "sessionCapacity", reason: "\(capacity) is not within 0 and \(mostSessions)")
    }
    guard gearbox_tls_context_keep_sessions(pointer, capacity) else {
      throw TLSConfigurationError(subject: "sessionCapacity", reason: "there is no memory for \(capacity) sessions")
    }
  }

  private func setTrust(_ trust: TLSConfiguration.Trust) throws(TLSConfigurationError) {
    switch trust.kind {
    case .anything: return
    case .system:
      guard gearbox_tls_context_trust_system(pointer) else {
        throw TLSConfigurationError(subject: "trust", reason: "the system's store cannot be used")
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
          subject: "applicationProtocols", reason: "a protocol's name has 1 to 255 bytes, and “\(name)” has not")
      }
      list += [UInt8(bytes.count)] + bytes
    }
    // The list has a length of two bytes in a handshake.
    let isSet = list.count <= 65_535 && gearbox_tls_context_set_protocols(pointer, list, list.count)
    guard isSet else { throw TLSConfigurationError(subject: "applicationProtocols", reason: "the list is too long") }
  }

  /// Trusts `roots`, and gives all of their bytes.
  private func add(_ roots: [PEM], for setting: String) throws(TLSConfigurationError) -> [UInt8] {
    guard !roots.isEmpty else {
      throw TLSConfigurationError(subject: setting, reason: "there has to be a root that is trusted")
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

/// A session takes some kilobytes, and is looked for among all the others.
private let mostSessions = 65_536

/// The keys that a server encrypts session tickets with.
final class TicketKeys: Sendable {
  /// What is in it is behind a lock in C.
  nonisolated(unsafe) let pointer: OpaquePointer

  init(lifetime: Duration) throws(TLSConfigurationError) {
    let seconds = lifetime.components.seconds
    // Twice as much has to fit into an `Int64`; OpenSSL lets no session live longer than a week.
    guard (1...604_800).contains(seconds) else {
      throw TLSConfigurationError(subject: "ticketKeyLifetime", reason: "\(lifetime) is not within a second and a week")
    }
    guard let pointer = gearbox_tls_ticket_keys_make(seconds) else {
      throw TLSConfigurationError(subject: "ticketKeyLifetime", reason: "there is no memory for keys")
    }
    self.pointer = pointer
  }

  deinit { gearbox_tls_ticket_keys_free(pointer) }
}
