import Glibc
import Runtime
import RuntimeSelection

/// Where to listen, and with which certificate: what the command line and the environment say.
struct Options {
  var address = SocketAddress.loopback(port: 8443)
  /// The files of the certificate and of its key; `nil` to make a certificate.
  var files: (certificate: String, key: String)?

  /// Reads `arguments`, those after the program's name; `nil` if they ask for help.
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
    case (_?, nil): throw UsageError(description: "--certificate needs --key beside it")
    case (nil, _?): throw UsageError(description: "--key needs --certificate beside it")
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

  /// What `--help` prints.
  static let helpText = """
    The Gearbox web app over HTTPS.

    Usage: WebAppTLS [--certificate FILE --key FILE]

    FILE is in PEM format. Without certificate the program makes one for this machine, once, and says where it is. It reads
    both files again on SIGHUP.

      RUNTIME          concurrency, dispatch or custom
      RUNTIME_WORKERS  threads that run tasks, 1 to 1024
      HOST             an IPv4 or IPv6 address, or localhost
      PORT             0 to 65535; 0 for a free one

    Unless told otherwise: 127.0.0.1, port 8443, the custom runtime, one worker a core.
    """
}

/// The value of a variable in the environment; `nil` if it is not set, or empty.
func variable(_ name: String) -> String? {
  guard let value = getenv(name), value.pointee != 0 else { return nil }
  return String(cString: value)
}

/// A command line that cannot be made sense of.
struct UsageError: Error, CustomStringConvertible {
  let description: String
}
