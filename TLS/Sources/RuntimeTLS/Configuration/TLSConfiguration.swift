import CTLS

/// What a server or a client wants of its connections. The defaults are sound for both.
///
/// ```swift
/// var configuration = TLSConfiguration(identities: [TLSIdentity(certificatePath: "cert.pem", keyPath: "key.pem")])
/// configuration.applicationProtocols = TLSConfiguration.httpProtocols
/// let source = try TLSSource(configuration)
/// ```
public struct TLSConfiguration: Sendable {
  /// The certificates of this end, with their keys. A server needs at least one, and a client only where servers ask for it.
  ///
  /// A server uses those whose certificates are for the name that the client asks for: one for each kind of key, so that
  /// RSA and ECDSA may stand beside each other. Clients that ask for no name get the first of each kind. So do those that
  /// ask for an unknown one, unless ``refusesUnknownNames``.
  public var identities: [TLSIdentity]
  /// Whether a server ends a handshake for a name that no certificate is for (`unrecognized_name`).
  public var refusesUnknownNames = false

  /// The oldest version to be spoken.
  public var minimumVersion = TLSVersion.v1_2
  /// The newest version to be spoken.
  public var maximumVersion = TLSVersion.v1_3
  /// The ciphers of TLS 1.2, in OpenSSL's notation: those with forward secrecy and authenticated encryption, as HTTP/2
  /// demands (RFC 9113 section 9.2.2).
  public var ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"
  /// The cipher suites of TLS 1.3 by their names, with colons between them; OpenSSL's choice if it is `nil`.
  public var cipherSuites: String?

  /// The protocols to be spoken on top, the most wanted first (ALPN, RFC 7301).
  ///
  /// A client that offers protocols, but none of the server's, is refused (`no_application_protocol`). One that offers none
  /// is not.
  public var applicationProtocols: [String] = []

  /// What a server asks of its clients. By default it asks for no certificate.
  public var clientCertificates = ClientCertificates.none
  /// Which servers a client trusts. By default those that the system trusts.
  public var trust = Trust.system

  /// Whether a client asks for an OCSP response with the server's certificate. By default it does not.
  public var stapling = Stapling.none
  /// How many sessions a client keeps at most, so that a later connection with the same ``TLSContext`` to the same name and
  /// port is spared most of the handshake. With 0 every handshake is a full one.
  ///
  /// A session of TLS 1.3 is used once, and none for longer than the server's certificate is valid. One is kept when it has
  /// come, which in TLS 1.3 is with the first bytes that are read.
  public var sessionCapacity = 256

  /// How long a server uses a key for session tickets before it makes a new one; tickets are good for as long again. With
  /// `nil` there are no tickets, and every handshake is a full one.
  public var ticketKeyLifetime: Duration? = .seconds(3600)

  /// A configuration with `identities` and the defaults.
  public init(identities: [TLSIdentity] = []) { self.identities = identities }

  /// A configuration of a web server: HTTP/2 for clients that want it, and HTTP/1.1.
  public static func http(identities: [TLSIdentity]) -> TLSConfiguration {
    var configuration = TLSConfiguration(identities: identities)
    configuration.applicationProtocols = httpProtocols
    return configuration
  }

  /// `h2` and `http/1.1`, for ``applicationProtocols``.
  public static let httpProtocols = ["h2", "http/1.1"]
}

extension TLSConfiguration {
  /// Whether a server asks its clients for certificates.
  public struct ClientCertificates: Sendable {
    enum Demand { case none, requested, required }

    let demand: Demand
    let roots: [PEM]

    /// It does not.
    public static let none = ClientCertificates(demand: .none, roots: [])

    /// It does, and a client may have none. One that does not lead to any of `roots` ends the handshake.
    public static func requested(roots: [PEM]) -> ClientCertificates {
      ClientCertificates(demand: .requested, roots: roots)
    }

    /// It does, and the handshake ends if the client has none that leads to any of `roots`.
    public static func required(roots: [PEM]) -> ClientCertificates {
      ClientCertificates(demand: .required, roots: roots)
    }
  }

  /// Whether a client asks for an OCSP response with the server's certificate (RFC 6066 section 8), in which an authority
  /// says whether it has revoked it.
  public struct Stapling: Sendable {
    let value: gearbox_tls_stapling

    /// It does not.
    public static let none = Stapling(value: gearbox_tls_stapling_none)
    /// It does, and a server may have none. What there is is in ``TLSSession/ocspResponse``, and is not verified.
    public static let requested = Stapling(value: gearbox_tls_stapling_requested)
    /// It does, and the handshake ends if there is none which says that the certificate is good, is signed by its issuer or
    /// in the issuer's name, and is not out of date.
    public static let required = Stapling(value: gearbox_tls_stapling_required)
  }

  /// Which servers a client trusts.
  public struct Trust: Sendable {
    enum Kind {
      case system
      case roots([PEM])
      case anything
    }

    let kind: Kind

    /// Those whose certificates lead to a root of the system's store (`SSL_CERT_FILE` and `SSL_CERT_DIR` name another).
    public static let system = Trust(kind: .system)
    /// Those whose certificates lead to any of `roots`.
    public static func roots(_ roots: [PEM]) -> Trust { Trust(kind: .roots(roots)) }
    /// All, whatever their certificates say. What is sent can be read and changed on the way: for experiments only.
    public static let anything = Trust(kind: .anything)
  }
}
