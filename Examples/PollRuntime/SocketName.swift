import Glibc
import Runtime

/// The name of a Unix-domain socket in the file system.
struct SocketName {
  private let path: String
  private let file: FileNumber

  /// Binds `descriptor` to `path`, and replaces the socket of a server that was killed.
  ///
  /// Those that bind in a directory take turns by a lock on it: of two that find the same abandoned socket the second
  /// finds one that is in use.
  init(_ path: String, of descriptor: Int32, replacesAbandoned: Bool) throws(IOError) {
    let address = SocketAddress.unix(path: path)
    let lock = open(directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(lock) }
    let isLocked = flock(lock, LOCK_EX) == 0
    func bind() -> Bool { address.withSystemAddress { Glibc.bind(descriptor, $0, $1) } == 0 }
    if !bind() {
      let code = errno
      guard code == EADDRINUSE, replacesAbandoned, isLocked, isAbandoned(address, path), unlink(path) == 0, bind()
      else { throw IOError(.bind, .system(code)) }
    }
    guard let file = FileNumber(path) else { throw IOError(.bind, .system(errno)) }
    self.path = path
    self.file = file
  }

  /// Removes the name, unless another file has it by now. To be called while the socket is open: no other file has its
  /// number then.
  func remove() {
    if FileNumber(path) == file { unlink(path) }
  }
}

private func directory(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Whether `path` names a socket that no process has open. It asks by a socket for datagrams, of which the other end
/// hears nothing; a socket of another kind there is another error.
private func isAbandoned(_ address: SocketAddress, _ path: String) -> Bool {
  guard let file = FileNumber(path), file.isSocket else { return false }
  let probe = Glibc.socket(address.family, datagramSocket, 0)
  defer { close(probe) }
  return address.withSystemAddress { connect(probe, $0, $1) } != 0 && errno == ECONNREFUSED
}

/// Which file a path names. Symbolic links are not followed.
private struct FileNumber: Equatable {
  private let device: dev_t
  private let number: ino_t
  let isSocket: Bool

  init?(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    (device, number) = (status.st_dev, status.st_ino)
    isSocket = status.st_mode & S_IFMT == S_IFSOCK
  }
}
