import CRuntime
import Glibc

/// Signals that are waited for on a descriptor, beside others: what a program without threads has for them.
struct SignalDescriptor: ~Copyable {
  let number: Int32

  /// Blocks `signals`, and has them come by the descriptor. Those that the process has inherited as ignored are not ignored
  /// any more: they would not come, and with SIGCHLD the system would not tell how a process has ended.
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

  /// A signal that has come; `nil` if there is none.
  func next() -> Int32? {
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    return read(number, &information, size) == size ? Int32(information.ssi_signo) : nil
  }
}
