import CRuntime
import Glibc

/// A descriptor for signals (`signalfd`), for a program without threads that waits for other descriptors too.
struct SignalDescriptor: ~Copyable {
  let number: Int32

  /// Blocks `signals` and delivers them through the descriptor. Signals that were inherited as ignored get their
  /// default disposition: ignored signals would not be delivered, and if SIGCHLD is ignored, `waitpid` reports no
  /// status.
  init(_ signals: [Int32]) throws(IOError) {
    var set = sigset_t()
    sigemptyset(&set)
    for number in signals {
      sigaddset(&set, number)
      signal(number, SIG_DFL)
    }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    number = signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC))
    guard number >= 0 else { throw IOError(.open, .system(errno)) }
  }

  deinit { close(number) }

  /// Returns a pending signal, or `nil` if there is none.
  func next() -> Int32? {
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    return read(number, &information, size) == size ? Int32(information.ssi_signo) : nil
  }
}
