import Glibc

/// The identity of the file at a path, independent of its name. Symbolic links are not followed.
package struct FileIdentity: Equatable {
  private let device: dev_t
  private let number: ino_t
  package let isSocket: Bool

  /// Looks up `path`. Returns `nil`, with `errno` set, if there is no such file.
  package init?(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    device = status.st_dev
    number = status.st_ino
    isSocket = status.st_mode & S_IFMT == S_IFSOCK
  }
}
