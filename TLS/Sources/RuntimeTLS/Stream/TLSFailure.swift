import CTLS

/// Why a connection has failed: the cause of an `IOError` of its stream.
public struct TLSFailure: Error, Hashable, Sendable {
  /// What went wrong, in OpenSSL's words if it is OpenSSL that found it.
  public let reason: String
  /// The alert that the peer was sent, or has sent, if there was one.
  public let alert: TLSAlert?
  /// Why the peer's certificate was refused, if it was, as in "certificate has expired".
  public let verification: String?
  /// Whether the base stream has ended without the peer's having said so: something may be missing.
  public let isTruncation: Bool
  /// Whether the client has sent an HTTP request in the clear.
  public let isPlainHTTP: Bool

  init(reason: String, isTruncation: Bool = false) {
    self.reason = reason
    alert = nil
    verification = nil
    self.isTruncation = isTruncation
    isPlainHTTP = false
  }

  init(_ failure: gearbox_tls_failure) {
    reason = failure.reason.map { String(cString: $0) } ?? "OpenSSL has failed without a reason"
    alert = UInt8(exactly: failure.alert).map { TLSAlert(code: $0, isFromPeer: failure.alert_is_peers) }
    verification = failure.verification_reason.map { String(cString: $0) }
    isTruncation = false
    isPlainHTTP = failure.is_plain_http
  }

  static let truncation = TLSFailure(
    reason: "the connection has ended without a close_notify", isTruncation: true)
}

extension TLSFailure: CustomStringConvertible {
  /// For a person to read, as in "TLS: certificate verify failed: certificate has expired (sent alert 45)".
  public var description: String {
    var text = "TLS: \(reason)"
    if let verification { text += ": \(verification)" }
    if let alert { text += " (\(alert))" }
    return text
  }
}

/// What an end says of a connection that it ends for a fault (RFC 8446 section 6.2).
public struct TLSAlert: Hashable, Sendable, CustomStringConvertible {
  /// The number that the protocol has for the fault.
  public let code: UInt8
  /// Whether the peer has said it; this end has otherwise.
  public let isFromPeer: Bool

  /// For a person to read, as in "sent alert 45".
  public var description: String { "\(isFromPeer ? "received" : "sent") alert \(code)" }
}
