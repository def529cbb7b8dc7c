import Glibc

/// Something in a configuration that cannot be used.
public struct TLSConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong: the path of a file, or the name of a setting.
  public let subject: String
  /// What is wrong with it.
  public let reason: String

  init(subject: String, reason: String) {
    self.subject = subject
    self.reason = reason
  }

  init(subject: String, errno: Int32) {
    self.init(subject: subject, reason: String(cString: strerror(errno)))
  }

  /// For a person to read, as in "/etc/tls/key.pem: No such file or directory".
  public var description: String { "\(subject): \(reason)" }
}
