import Glibc
import Synchronization

/// An open file. Its functions block the calling thread.
///
/// It closes when its last reference is released. A cancelled task stops waiting for a call on another thread, but the
/// call continues, and must not find the descriptor closed or reused for another file.
final class File: Sendable {
  private let descriptor: Int32
  private let path: String
  /// Whether the file is removed when it is closed.
  private let isTemporary: Mutex<Bool>

  /// Opens the file at `path`.
  init(reading path: String) throws(FileError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open") }
    self.path = path
    isTemporary = Mutex(false)
  }

  /// Creates a temporary file in `directory`. It is removed when it is closed, unless it has been published.
  init(temporaryIn directory: String) throws(FileError) {
    path = "\(directory)/.upload-\(UInt64.random(in: 0 ... .max))"
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileError("open") }
    isTemporary = Mutex(true)
  }

  deinit {
    close(descriptor)
    if isTemporary.withLock({ $0 }) { unlink(path) }
  }

  /// The length in bytes.
  var length: Int {
    get throws(FileError) {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw FileError("fstat") }
      return status.st_size
    }
  }

  /// Reads up to `limit` bytes. Returns none at the end of the file.
  func read(upTo limit: Int) throws(FileError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      let result = Glibc.read(descriptor, buffer.baseAddress, limit)
      if result < 0 { code = errno }
      count = max(0, result)
    }
    guard code == 0 else { throw FileError("read", code) }
    return bytes
  }

  /// Appends all of `bytes`.
  func write(_ bytes: [UInt8]) throws(FileError) {
    var written = 0
    while written < bytes.count {
      let (count, code) = bytes[written...].withUnsafeBytes { rest in
        (Glibc.write(descriptor, rest.baseAddress, rest.count), errno)
      }
      if count < 0, code != EINTR { throw FileError("write", code) }
      written += max(0, count)
    }
  }

  /// Renames a complete temporary file to `path`, and replaces a file that is there.
  func publish(as name: String) throws(FileError) {
    // Without this, the name could reach the disk before the content.
    guard fsync(descriptor) == 0 else { throw FileError("fsync") }
    try isTemporary.withLock { isTemporary throws(FileError) in
      guard rename(path, name) == 0 else { throw FileError("rename") }
      isTemporary = false
    }
  }

  /// Empties a file that is still temporary, so that closing it is quick: freeing the space of a large file takes time.
  func discard() {
    isTemporary.withLock { if $0 { ftruncate(descriptor, 0) } }
  }
}

/// The error of a failed system call for a file.
struct FileError: Error, Hashable, CustomStringConvertible {
  let call: String
  /// The system's error number.
  let code: Int32

  init(_ call: String, _ code: Int32 = errno) { (self.call, self.code) = (call, code) }

  var description: String { "\(call): \(String(cString: strerror(code))) (errno \(code))" }
}
