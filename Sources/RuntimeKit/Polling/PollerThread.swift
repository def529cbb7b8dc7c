public import Runtime
import RuntimePrimitives
import Synchronization

/// A thread that waits for sockets and for the time: for backends whose own threads cannot.
public final class PollerThread: Sendable {
  /// The poller that the thread waits in.
  public let poller: any Poller
  /// The queue of sleeping tasks that the thread fires.
  public let sleeps: SleepQueue
  private let isStopping: Flag
  private let thread: Thread

  /// Apart, since the thread starts before its owner is there to be held.
  private final class Flag: Sendable {
    let isSet = Atomic(false)
  }

  /// Starts the thread.
  ///
  /// - Throws: what the system says if it has no descriptor or thread to give.
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

  /// Ends the thread and closes the poller. To be called once, as the last step of a shutdown; it blocks the calling
  /// thread for the moment that this takes.
  public func stop() {
    isStopping.isSet.store(true, ordering: .releasing)
    poller.wake()
    thread.join()
    poller.close()
  }
}
