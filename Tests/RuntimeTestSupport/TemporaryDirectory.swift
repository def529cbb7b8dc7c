import Glibc
package import Runtime

/// A directory for the files of a test, removed with them at the end.
package final class TemporaryDirectory: Sendable {
  package let path: String

  package init() throws(IOError) {
    var name = Array("/tmp/gearbox-test-XXXXXX".utf8CString)
    guard mkdtemp(&name) != nil else { throw IOError(.open, .system(errno)) }
    path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    if let directory = opendir(path) {
      while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        unlink("\(path)/\(name)")
      }
      closedir(directory)
    }
    rmdir(path)
  }

  /// The contents of the file called `name`; `nil` if it does not exist.
  package func text(of name: String) -> String? {
    let file = open("\(path)/\(name)", O_RDONLY)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var (text, bytes): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 4096))
    while case let count = read(file, &bytes, bytes.count), count > 0 { text += bytes[..<count] }
    return String(decoding: text, as: UTF8.self)
  }
}
