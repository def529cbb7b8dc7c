import Glibc

/// Certificates or a key in PEM format (RFC 7468), in a file or in memory.
public struct PEM: Sendable, Hashable {
  private enum Place: Hashable {
    case file(String)
    case bytes([UInt8])
  }

  private let place: Place

  private init(_ place: Place) { self.place = place }

  /// The content of the file at `path`, read when a context is created from the configuration.
  public static func file(_ path: String) -> PEM { PEM(.file(path)) }
  /// The content of `bytes`.
  public static func bytes(_ bytes: [UInt8]) -> PEM { PEM(.bytes(bytes)) }
  /// The content of `text`.
  public static func text(_ text: String) -> PEM { PEM(.bytes(Array(text.utf8))) }

  /// Returns its name in errors: the file's path, or else `role`.
  func name(_ role: String) -> String {
    if case .file(let path) = place { path } else { role }
  }

  /// Returns the bytes, read from the file if necessary.
  ///
  /// - Parameter role: its name in errors if it has no path.
  func read(as role: String) throws(TLSConfigurationError) -> [UInt8] {
    switch place {
    case .bytes(let bytes): return bytes
    case .file(let path): return try readFile(path)
    }
  }
}

/// The size limit of a file. A bundle of all common roots takes a quarter of a megabyte.
private let mostBytes = 4 * 1024 * 1024

/// Reads a file to its end.
func readFile(_ path: String) throws(TLSConfigurationError) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw TLSConfigurationError(subject: path, errno: errno) }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  while bytes.count <= mostBytes {
    let (piece, count, code) = withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 1) { room in
      let count = Glibc.read(descriptor, room.baseAddress, room.count)
      return (Array(room.prefix(max(0, count))), count, errno)
    }
    if count == 0 { return bytes }
    if count < 0, code != EINTR { throw TLSConfigurationError(subject: path, errno: code) }
    bytes += piece
  }
  throw TLSConfigurationError(subject: path, reason: "the file is larger than \(mostBytes) bytes")
}
