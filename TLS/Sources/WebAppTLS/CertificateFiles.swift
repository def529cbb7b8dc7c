import Glibc
import Runtime
import RuntimeTLS

/// The files of the server's certificate: the given ones, or those of a self-signed one that is created once.
struct CertificateFiles: Sendable {
  /// The path of the certificate.
  let path: String
  private let keyPath: String

  /// Uses the files in `options`. If there are none, uses those in the user's state directory, and creates them if they
  /// are missing.
  init(_ options: Options) throws {
    if let files = options.files {
      (path, keyPath) = files
      return
    }
    let directory = try Self.directory()
    (path, keyPath) = ("\(directory)/localhost.pem", "\(directory)/localhost-key.pem")
    if access(path, F_OK) == 0, access(keyPath, F_OK) == 0 { return }
    let made = try SelfSignedCertificate(hosts: ["localhost"], addresses: ["127.0.0.1", "::1"])
    try Self.write(made.key, to: keyPath, mode: 0o600)
    try Self.write(made.certificate, to: path, mode: 0o644)
  }

  /// The TLS configuration for these files.
  var configuration: TLSConfiguration {
    .http(identities: [TLSIdentity(certificatePath: path, keyPath: keyPath)])
  }

  /// Returns the directory for persistent state of programs (`XDG_STATE_HOME`), and creates it if it is missing.
  private static func directory() throws -> String {
    guard let base = variable("XDG_STATE_HOME") ?? variable("HOME").map({ "\($0)/.local/state" }) else {
      throw UsageError(description: "HOME is not set: name a certificate with --certificate and --key")
    }
    let directory = "\(base)/gearbox"
    var path = directory.hasPrefix("/") ? "" : "."
    for part in directory.split(separator: "/") {
      path += "/\(part)"
      guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw CannotWrite(path: path, code: errno) }
    }
    return path
  }

  private static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
    unlink(path)
    // A new file, so that it does not inherit the mode or the owner of another file.
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw CannotWrite(path: path, code: errno) }
    defer { Glibc.close(descriptor) }
    // A few bytes are written at once, or the disk is full.
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw CannotWrite(path: path, code: errno) }
  }
}

private struct CannotWrite: Error, CustomStringConvertible {
  let path: String
  let code: Int32

  var description: String { "\(path): \(String(cString: strerror(code)))" }
}
