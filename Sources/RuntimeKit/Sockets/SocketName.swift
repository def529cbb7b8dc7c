import Glibc
import Runtime
import RuntimePrimitives

/// The name of a Unix-domain socket in the file system, for listeners and datagram sockets.
///
/// Processes that bind in the same directory take turns. A lock on the directory (`flock`) is held from before the name
/// is checked until the new socket is bound and, if requested, listening. So if two processes find the same abandoned
/// socket, only one replaces it, and the other finds a socket in use.
package final class SocketName: Sendable {
  private let path: String
  private let identity: FileIdentity
  private let isRemoved = Lock(false)

  /// How long to wait for the lock on the directory, in milliseconds. Another bind holds it for less than one. A
  /// program that holds it for other reasons must not block the calling thread for long.
  private static let lockTimeout = 1000

  /// Binds `descriptor` to `path`, and listens if there is a `backlog`.
  ///
  /// With `reuseAddress` it replaces an abandoned socket of that name. Other files, and sockets that a process has
  /// open, are never replaced.
  ///
  /// - Throws: `EADDRINUSE` if the name is in use, or if the lock that is needed to replace it cannot be acquired.
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

  /// Removes the name from the file system, unless another file has taken the name.
  ///
  /// Call it while the socket is open. An open socket keeps the inode number of its file; once it is closed, a
  /// successor's file may get the same number.
  func remove() {
    // Under the lock, so that a concurrent call does not return, and let its caller close the socket, before the
    // unlink.
    isRemoved.withLock { isRemoved in
      if !isRemoved, FileIdentity(path) == identity { unlink(path) }
      isRemoved = true
    }
  }

  /// Locks the directory of `path`. Returns a descriptor that holds the lock until it is closed, or `nil` on failure.
  private static func lockDirectory(of path: String) -> Int32? {
    let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    for _ in 0..<lockTimeout {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
      guard errno == EWOULDBLOCK || errno == EINTR else { break }
      usleep(1000)
    }
    close(descriptor)
    return nil
  }

  /// Whether `path` names a socket that no process has open.
  ///
  /// It connects a datagram socket, which the other end does not notice. The system reports a socket of another type as
  /// `EPROTOTYPE`, and refuses the connection if no socket is open.
  private static func isAbandoned(_ address: SocketAddress, _ path: String) -> Bool {
    guard let before = FileIdentity(path), before.isSocket, let probe = try? datagramDescriptor(address.family) else {
      return false
    }
    defer { close(probe) }
    let isRefused = address.withSystemAddress { connect(probe, $0, $1) } != 0 && errno == ECONNREFUSED
    return isRefused && FileIdentity(path) == before
  }
}
