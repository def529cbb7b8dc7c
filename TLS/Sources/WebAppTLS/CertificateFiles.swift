import Glibc
import Runtime
import RuntimeTLS

/// The files of the server's certificate: those that were named, or a self-signed one that is made once.
struct CertificateFiles: Sendable {
  /// The certificate's file.
  let path: String
  private let keyPath: String

  /// The files that `options` name. Where they name none, they are in the user's state directory, and are made if they are
  /// not there.
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

  /// What a server has to say with them.
  var configuration: TLSConfiguration {
    .http(identities: [TLSIdentity(certificatePath: path, keyPath: keyPath)])
  }

  /// The directory for what programs keep from run to run (`XDG_STATE_HOME`), made where it is missing.
  private static func directory() throws -> String {
    guard let base = variable("XDG_STATE_HOME") ?? variable("HOME").map({ "\($0)/.local/state" }) else {
      throw UsageError(description: "HOME is not set: name a certificate by --certificate and --key")
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
    // Made anew, so that no other file's mode or owner remains.
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw CannotWrite(path: path, code: errno) }
    defer { Glibc.close(descriptor) }
    // So few bytes are written at once, or there is no room for them.
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw CannotWrite(path: path, code: errno) }
  }
}

private struct CannotWrite: Error, CustomStringConvertible {
  let path: String
  let code: Int32

  var description: String { "\(path): \(String(cString: strerror(code)))" }
}
