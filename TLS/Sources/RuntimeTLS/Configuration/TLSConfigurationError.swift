import Glibc

/// An error in a configuration.
public struct TLSConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The invalid part: the path of a file, or the name of a setting.
  public let subject: String
  /// The reason.
  public let reason: String

  init(subject: String, reason: String) {
    self.subject = subject
    self.reason = reason
  }

  init(subject: String, errno: Int32) {
    self.init(subject: subject, reason: String(cString: strerror(errno)))
  }

  /// A description such as "/etc/tls/key.pem: No such file or directory".
  public var description: String { "\(subject): \(reason)" }
}
