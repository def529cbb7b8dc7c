import Glibc
import Runtime
import RuntimePrimitives

/// The name of a Unix-domain socket in the file system: of one that listens, or of one for datagrams.
///
/// Those that bind in one directory take turns. A lock on the directory (`flock`) is held from before the name is looked
/// at until the socket behind it is bound, and listens if it is to. So of two processes that find the same abandoned
/// socket only one replaces it: the other finds a socket that is in use.
package final class SocketName: Sendable {
  private let path: String
  private let identity: FileIdentity
  private let isRemoved = Lock(false)

  /// For how many milliseconds to wait for the lock on the directory. Another that binds holds it for less than one; a
  /// program that holds it for other reasons must not block the calling thread for long.
  private static let patience = 1000

  /// Binds `descriptor` to `path`, and starts to listen if there is a `backlog`.
  ///
  /// With `reuseAddress` an abandoned socket of that name is replaced. No other file is, and no socket that a process
  /// has open.
  ///
  /// - Throws: `EADDRINUSE` if the name is taken, or the lock that it takes to replace it is not to be had.
  init(_ path: String, of descriptor: Int32, reuseAddress: Bool, backlog: Int32?) throws(IOError) {
    let lock = Self.lockDirectory(of: path)
    defer { if let lock { close(lock) } }
    let address = SocketAddress.unix(path: path)
    func bind() throws(IOError) {
      guard address.withSystemAddress({ Glibc.bind(descriptor, $0, $1) }) == 0 else {
        throw IOError(.bind, .system(errno))
      }
    }
    do throws(IOError) {
      try bind()
    } catch {
      guard error.errno == EADDRINUSE, reuseAddress, lock != nil,
        Self.isAbandoned(address, path), unlink(path) == 0
      else { throw error }
      try bind()
    }
    guard let identity = FileIdentity(path), backlog.map({ listen(descriptor, $0) == 0 }) ?? true else {
      let code = errno
      unlink(path)
      throw IOError(backlog == nil ? .bind : .listen, .system(code))
    }
    self.path = path
    self.identity = identity
  }

  /// Takes the name out of the file system, unless another file has it by now.
  ///
  /// To be called while the socket is open. An open socket keeps its file's number; once it is closed, a successor's
  /// file may get the same number.
  func remove() {
    // Under the lock, so that no other call returns, and lets its caller close the socket, before this one has unlinked.
    isRemoved.withLock { isRemoved in
      if !isRemoved, FileIdentity(path) == identity { unlink(path) }
      isRemoved = true
    }
  }

  /// A descriptor that holds the lock on the directory of `path` until it is closed; `nil` if the lock is not to be had.
  private static func lockDirectory(of path: String) -> Int32? {
    let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    for _ in 0..<patience {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
      guard errno == EWOULDBLOCK || errno == EINTR else { break }
      usleep(1000)
    }
    close(descriptor)
    return nil
  }

  /// Whether `path` names a socket that no process has open.
  ///
  /// It connects a socket for datagrams, of which nothing is heard at the other end. If there is a socket of another kind,
  /// the system says so (`EPROTOTYPE`); it refuses if there is none.
  private static func isAbandoned(_ address: SocketAddress, _ path: String) -> Bool {
    guard let before = FileIdentity(path), before.isSocket, let probe = try? datagramDescriptor(address.family) else {
      return false
    }
    defer { close(probe) }
    let isRefused = address.withSystemAddress { connect(probe, $0, $1) } != 0 && errno == ECONNREFUSED
    return isRefused && FileIdentity(path) == before
  }
}
