import Glibc
import Runtime
import Synchronization

/// Has SIGINT and SIGTERM end the process gracefully, and the second of them at once.
///
/// A handler wakes a thread by a semaphore. That takes no descriptor, of which there may be none left.
enum Signals {
  private static let numbers = [SIGINT, SIGTERM]
  private static let hasCome = Atomic(false)
  private static let coming = {
    let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    sem_init(semaphore, 0, 0)
    return Semaphore(pointer: semaphore)
  }()

  private struct Semaphore: @unchecked Sendable {  // It is there to be shared, and is never freed.
    let pointer: UnsafeMutablePointer<sem_t>
  }

  /// Takes the signals over. Once a process.
  ///
  /// - Parameter end: called at the first signal, on a thread of its own.
  /// - Throws: what the system says if there is no thread to be had.
  static func handle(onFirst end: @escaping @Sendable () -> Void) throws(IOError) {
    // A log line to a pipe whose reader has gone is no reason to end.
    signal(SIGPIPE, SIG_IGN)
    // Both are made at their first use, which must not be in a handler.
    let coming = coming
    hasCome.store(false, ordering: .relaxed)
    try Thread(name: "gearbox-signals") {
      // A process inherits what its parent has blocked. One thread that takes the signals is enough.
      var numbers = sigset_t()
      sigemptyset(&numbers)
      for number in Self.numbers { sigaddset(&numbers, number) }
      pthread_sigmask(SIG_UNBLOCK, &numbers, nil)
      while sem_wait(coming.pointer) != 0 {}
      end()
      while true { pause() }  // For the second signal.
    }
    .detach()
    for number in numbers { signal(number, hear) }
  }

  /// Runs in a signal handler, where few functions may be called (signal-safety(7)).
  private static let hear: @convention(c) (Int32) -> Void = { number in
    // 128 and the number is how a shell reports a process that a signal has ended.
    if hasCome.exchange(true, ordering: .relaxed) { _exit(128 + number) }
    let code = errno
    sem_post(coming.pointer)
    errno = code
  }
}
