import Glibc

/// A directory for the files of a test, removed with the object.
final class TemporaryDirectory {
  let path = "/tmp/tls-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"

  init() { mkdir(path, 0o700) }

  /// Removes only files: tests make no directories in it.
  deinit {
    guard let directory = opendir(path) else { return }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      unlink("\(path)/\(name)")
    }
    closedir(directory)
    rmdir(path)
  }

  /// Creates a file, and returns its path.
  func file(_ name: String, _ bytes: [UInt8] = []) -> String {
    let path = "\(path)/\(name)"
    if let file = fopen(path, "w") {
      fwrite(bytes, 1, bytes.count, file)
      fclose(file)
    }
    return path
  }

  func file(_ name: String, _ text: String) -> String { file(name, Array(text.utf8)) }
}
