import Glibc

/// Opens those of the descriptors 0 to 2 that are closed on `/dev/null`.
///
/// The system gives the lowest number that is free to the next file that is opened. If that were a socket, what is
/// printed, or logged, would be sent to its peer. So a program calls this before it opens anything.
public func openStandardDescriptors() {
  for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) < 0 {
    // It gets this very number, as those below are open.
    if open("/dev/null", O_RDWR) < 0 { return }  // There is no such file here, and nothing to be done about it.
  }
}
