import CTLS

/// The settings of a server's or a client's connections. The defaults are secure for both.
///
/// ```swift
/// var configuration = TLSConfiguration(identities: [TLSIdentity(certificatePath: "cert.pem", keyPath: "key.pem")])
/// configuration.applicationProtocols = TLSConfiguration.httpProtocols
/// let source = try TLSSource(configuration)
/// ```
public struct TLSConfiguration: Sendable {
  /// The certificates of this end with their keys. A server needs at least one; a client needs one only for servers
  /// that request it.
  ///
  /// A server uses the certificates that match the name requested by the client: one per key type, so RSA and ECDSA can
  /// be used side by side. Clients that request no name get the first certificate of each type. So do clients that
  /// request an unknown name, unless ``refusesUnknownNames`` is set.
  public var identities: [TLSIdentity]
  /// Whether a server rejects a handshake for a name without a matching certificate (`unrecognized_name`).
  public var refusesUnknownNames = false

  /// The oldest accepted version.
  public var minimumVersion = TLSVersion.v1_2
  /// The newest accepted version.
  public var maximumVersion = TLSVersion.v1_3
  /// The ciphers of TLS 1.2 in OpenSSL's notation. The default has forward secrecy and authenticated encryption, as
  /// HTTP/2 requires (RFC 9113 section 9.2.2).
  public var ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"
  /// The cipher suites of TLS 1.3 by name, separated by colons; `nil` for OpenSSL's default.
  public var cipherSuites: String?

  /// The application protocols, most preferred first (ALPN, RFC 7301).
  ///
  /// A client that offers protocols, but none of the server's, is rejected (`no_application_protocol`). A client that
  /// offers none is accepted.
  public var applicationProtocols: [String] = []

  /// Whether a server requests certificates from its clients. The default is no.
  public var clientCertificates = ClientCertificates.none
  /// Which servers a client trusts. The default is the system's roots.
  public var trust = Trust.system

  /// Whether a client requests an OCSP response for the server's certificate. The default is no.
  public var stapling = Stapling.none
  /// The maximum number of sessions that a client keeps. A later connection with the same ``TLSContext`` to the same
  /// name and port then skips most of the handshake. With 0 every handshake is a full one.
  ///
  /// A session of TLS 1.3 is used once, and no session outlives the server's certificate. A session is stored when it
  /// arrives, which in TLS 1.3 is with the first read.
  public var sessionCapacity = 256

  /// How long a server encrypts session tickets with a key before it creates a new one. Tickets are accepted for as
  /// long again. With `nil` there are no tickets, and every handshake is a full one.
  public var ticketKeyLifetime: Duration? = .seconds(3600)

  /// Creates a configuration with `identities` and the defaults.
  public init(identities: [TLSIdentity] = []) { self.identities = identities }

  /// Returns a configuration for a web server that offers HTTP/2 and HTTP/1.1.
  public static func http(identities: [TLSIdentity]) -> TLSConfiguration {
    var configuration = TLSConfiguration(identities: identities)
    configuration.applicationProtocols = httpProtocols
    return configuration
  }

  /// `h2` and `http/1.1`, for ``applicationProtocols``.
  public static let httpProtocols = ["h2", "http/1.1"]
}

extension TLSConfiguration {
  /// Whether a server requests certificates from its clients.
  public struct ClientCertificates: Sendable {
    enum Demand { case none, requested, required }

    let demand: Demand
    let roots: [PEM]

    /// No request.
    public static let none = ClientCertificates(demand: .none, roots: [])

    /// A request that a client may ignore. A certificate that does not lead to one of `roots` fails the handshake.
    public static func requested(roots: [PEM]) -> ClientCertificates {
      ClientCertificates(demand: .requested, roots: roots)
    }

    /// A request that the client must fulfil with a certificate that leads to one of `roots`, or the handshake fails.
    public static func required(roots: [PEM]) -> ClientCertificates {
      ClientCertificates(demand: .required, roots: roots)
    }
  }

  /// Whether a client requests an OCSP response for the server's certificate (RFC 6066 section 8), in which an
  /// authority states whether the certificate has been revoked.
  public struct Stapling: Sendable {
    let value: gearbox_tls_stapling

    /// No request.
    public static let none = Stapling(value: gearbox_tls_stapling_none)
    /// A request that a server may ignore. The response is in ``TLSSession/ocspResponse`` and is not verified.
    public static let requested = Stapling(value: gearbox_tls_stapling_requested)
    /// A request that the server must fulfil. The handshake fails unless the response reports the certificate as good,
    /// is signed by the issuer or a responder authorized by it, and is up to date.
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

    /// Servers whose certificates lead to a root of the system's store (`SSL_CERT_FILE` and `SSL_CERT_DIR` override
    /// it).
    public static let system = Trust(kind: .system)
    /// Servers whose certificates lead to one of `roots`.
    public static func roots(_ roots: [PEM]) -> Trust { Trust(kind: .roots(roots)) }
    /// All servers, whatever their certificates. The connection can be read and modified in transit: for experiments
    /// only.
    public static let anything = Trust(kind: .anything)
  }
}
