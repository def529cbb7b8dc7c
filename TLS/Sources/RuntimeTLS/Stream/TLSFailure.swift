import CTLS

/// The reason why a connection has failed: the cause of an `IOError` of its stream.
public struct TLSFailure: Error, Hashable, Sendable {
  /// The reason, in OpenSSL's words if OpenSSL reported it.
  public let reason: String
  /// The alert that was sent or received, if any.
  public let alert: TLSAlert?
  /// Why the peer's certificate was rejected, if it was, such as "certificate has expired".
  public let verification: String?
  /// Whether the base stream ended without a `close_notify`, so that data may be missing.
  public let isTruncation: Bool
  /// Whether the client sent a plain HTTP request.
  public let isPlainHTTP: Bool

  init(reason: String, isTruncation: Bool = false) {
    self.reason = reason
    alert = nil
    verification = nil
    self.isTruncation = isTruncation
    isPlainHTTP = false
  }

  init(_ failure: gearbox_tls_failure) {
    reason = failure.reason.map { String(cString: $0) } ?? "OpenSSL failed without a reason"
    alert = UInt8(exactly: failure.alert).map { TLSAlert(code: $0, isFromPeer: failure.alert_is_peers) }
    verification = failure.verification_reason.map { String(cString: $0) }
    isTruncation = false
    isPlainHTTP = failure.is_plain_http
  }

  static let truncation = TLSFailure(
    reason: "the connection ended without a close_notify", isTruncation: true)
}

extension TLSFailure: CustomStringConvertible {
  /// A description such as "TLS: certificate verify failed: certificate has expired (sent alert 45)".
  public var description: String {
    var text = "TLS: \(reason)"
    if let verification { text += ": \(verification)" }
    if let alert { text += " (\(alert))" }
    return text
  }
}

/// The alert with which one end terminates a connection because of an error (RFC 8446 section 6.2).
public struct TLSAlert: Hashable, Sendable, CustomStringConvertible {
  /// The protocol's number of the alert.
  public let code: UInt8
  /// Whether the peer sent the alert; otherwise this end did.
  public let isFromPeer: Bool

  /// A description such as "sent alert 45".
  public var description: String { "\(isFromPeer ? "received" : "sent") alert \(code)" }
}
