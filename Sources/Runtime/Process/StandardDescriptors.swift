import Glibc

/// Opens `/dev/null` as each of the descriptors 0 to 2 that is closed.
///
/// A newly opened file gets the lowest free number. If that were a socket, the program's output or log would be sent to
/// the peer. Call this function before the program opens anything.
public func openStandardDescriptors() {
  for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) < 0 {
    // It gets this number, because all lower ones are open.
    if open("/dev/null", O_RDWR) < 0 { return }  // There is no `/dev/null` here: leave it closed.
  }
}
