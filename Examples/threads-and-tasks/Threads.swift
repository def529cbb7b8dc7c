import Glibc

/// Blocks the calling thread. This stands for any blocking call: a lock, a file, a long calculation.
func block(for duration: Duration) {
  let (seconds, attoseconds) = duration.components
  var rest = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
  var left = timespec()
  while nanosleep(&rest, &left) < 0, errno == EINTR { rest = left }
}

/// Runs `body` on each of `count` new threads, and waits until all have ended.
func onThreads(_ count: Int, _ body: @escaping @Sendable () -> Void) {
  final class Start: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  let threads = (0..<count).map { _ in
    var thread = pthread_t()
    // The thread takes ownership of this reference and releases it.
    let start = Unmanaged.passRetained(Start(body)).toOpaque()
    let code = pthread_create(
      &thread, nil,
      { start in
        guard let start else { return nil }
        Unmanaged<Start>.fromOpaque(start).takeRetainedValue().body()
        return nil
      }, start)
    guard code == 0 else {
      print("there is no thread to be had: \(code)")
      exit(EXIT_FAILURE)
    }
    return thread
  }
  for thread in threads { pthread_join(thread, nil) }
}
