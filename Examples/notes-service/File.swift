import Glibc
import Synchronization

/// An open file, for threads that may block.
///
/// It is closed when the last reference has gone. A task that is cancelled no longer waits for a call on another thread,
/// but the call goes on, and must not find the descriptor closed, or open as another file.
final class File: Sendable {
  private let descriptor: Int32
  private let path: String
  /// Whether the file goes when it is closed.
  private let isTemporary: Mutex<Bool>

  /// Opens the file at `path`.
  init(reading path: String) throws(FileError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open") }
    self.path = path
    isTemporary = Mutex(false)
  }

  /// Makes a new file in `directory`, which is there until it is closed unless it is published.
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

  /// How many bytes there are.
  var length: Int {
    get throws(FileError) {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw FileError("fstat") }
      return status.st_size
    }
  }

  /// The next bytes, `limit` at most; none at the end.
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

  /// Writes all of `bytes` behind what has been written.
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

  /// Gives a temporary file, all of which has been written, its name. A file that has it is replaced.
  func publish(as name: String) throws(FileError) {
    // Or a name could be on the disk before the content is.
    guard fsync(descriptor) == 0 else { throw FileError("fsync") }
    try isTemporary.withLock { isTemporary throws(FileError) in
      guard rename(path, name) == 0 else { throw FileError("rename") }
      isTemporary = false
    }
  }

  /// Empties a file that is still temporary, so that closing it is quick: to free the space of a large one takes a while.
  func discard() {
    isTemporary.withLock { if $0 { ftruncate(descriptor, 0) } }
  }
}

/// A system call for a file that has failed.
struct FileError: Error, Hashable, CustomStringConvertible {
  let call: String
  /// The system's error number.
  let code: Int32

  init(_ call: String, _ code: Int32 = errno) { (self.call, self.code) = (call, code) }

  var description: String { "\(call): \(String(cString: strerror(code))) (errno \(code))" }
}
