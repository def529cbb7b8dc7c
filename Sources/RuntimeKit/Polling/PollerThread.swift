public import Runtime
import RuntimePrimitives
import Synchronization

/// A thread that waits for sockets and timers, for backends whose own threads cannot.
public final class PollerThread: Sendable {
  /// The thread's poller.
  public let poller: any Poller
  /// The sleeps that the thread fires.
  public let sleeps: SleepQueue
  private let isStopping: Flag
  private let thread: Thread

  /// A separate object, because the thread starts before `self` is available.
  private final class Flag: Sendable {
    let isSet = Atomic(false)
  }

  /// Creates a poller and starts the thread.
  ///
  /// - Throws: the system's error if a descriptor or a thread cannot be created.
  public init(_ kind: PollerKind, name: String) throws(IOError) {
    let poller = try kind.makePoller()
    let sleeps = SleepQueue { _ in poller.wake() }
    let isStopping = Flag()
    thread = try Thread(name: name) {
      while !isStopping.isSet.load(ordering: .acquiring) {
        poller.poll(timeout: sleeps.fire().map { max(0, $0 - MonotonicTime.now) })
      }
    }
    self.poller = poller
    self.sleeps = sleeps
    self.isStopping = isStopping
  }

  /// Ends the thread and closes the poller. Call it once, as the last step of a shutdown. It blocks the calling thread
  /// briefly.
  public func stop() {
    isStopping.isSet.store(true, ordering: .releasing)
    poller.wake()
    thread.join()
    poller.close()
  }
}
