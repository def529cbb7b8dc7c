import Glibc
import Runtime
import RuntimeSelection

/// The settings of the command line and the environment: the address and the certificate.
struct Options {
  var address = SocketAddress.loopback(port: 8443)
  /// The paths of the certificate and its key; `nil` to create a certificate.
  var files: (certificate: String, key: String)?

  /// Parses `arguments`, without the program's name. Returns `nil` if they request help.
  init?(_ arguments: some Sequence<String>) throws {
    var values: [String: String] = [:]
    var remaining = Array(arguments)[...]
    while let flag = remaining.popFirst() {
      if flag == "--help" || flag == "-h" { return nil }
      guard flag == "--certificate" || flag == "--key" else {
        throw UsageError(description: "\(flag.debugDescription) is not one of --certificate, --key, --help")
      }
      guard let value = remaining.popFirst(), !value.hasPrefix("--") else {
        throw UsageError(description: "\(flag) needs a value: the path of a PEM file")
      }
      values[flag] = value
    }
    switch (values["--certificate"], values["--key"]) {
    case (nil, nil): break
    case (let certificate?, let key?): files = (certificate, key)
    case (_?, nil): throw UsageError(description: "--certificate requires --key")
    case (nil, _?): throw UsageError(description: "--key requires --certificate")
    }
    var port: UInt16 = 8443
    if let value = variable("PORT") {
      port = UInt16(try SettingFormat<Int>.wholeNumber(in: 0...65_535).value(value, of: "PORT"))
    }
    address = .loopback(port: port)
    if let value = variable("HOST") {
      guard let parsed = SocketAddress(host: value == "localhost" ? "127.0.0.1" : value, port: port) else {
        throw InvalidSetting("HOST", value: value, choices: "an IPv4 address, an IPv6 address or localhost")
      }
      address = parsed
    }
  }

  /// The output of `--help`.
  static let helpText = """
    The Gearbox web app over HTTPS.

    Usage: WebAppTLS [--certificate FILE --key FILE]

    FILE is in PEM format. Without a certificate, the program creates one for this machine once and prints its path.
    It reads both files again on SIGHUP.

      RUNTIME          concurrency, dispatch or custom
      RUNTIME_WORKERS  threads that run tasks, 1 to 1024
      HOST             an IPv4 or IPv6 address, or localhost
      PORT             0 to 65535; 0 for a free one

    Defaults: 127.0.0.1, port 8443, the custom runtime, one worker per core.
    """
}

/// Returns a variable of the environment; `nil` if it is unset or empty.
func variable(_ name: String) -> String? {
  guard let value = getenv(name), value.pointee != 0 else { return nil }
  return String(cString: value)
}

/// An invalid command line.
struct UsageError: Error, CustomStringConvertible {
  let description: String
}
