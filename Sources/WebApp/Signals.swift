import Dispatch
import Glibc

/// Has SIGINT and SIGTERM end the process gracefully, and the second of them at once.
struct Signals {
  private let sources: [any DispatchSourceSignal]

  /// - Parameter end: called at the first signal, on a thread of Dispatch.
  init(onFirst end: @escaping @Sendable () -> Void) {
    // A log line to a pipe that nobody reads any more is no reason to end.
    signal(SIGPIPE, SIG_IGN)
    let queue = DispatchQueue(label: "gearbox.signals")
    let hasCome = StopFlag()
    sources = [SIGINT, SIGTERM].map { number in
      // What the system does by itself, ending the process, would come before the source hears of it.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        // 128 and the number is how a shell reports a process that a signal has ended.
        if hasCome.isSet { _exit(128 + number) }
        hasCome.set()
        end()
      }
      source.resume()
      return source
    }
  }
}
