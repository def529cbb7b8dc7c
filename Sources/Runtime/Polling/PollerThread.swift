import Synchronization

/// One thread that waits for sockets and for the time: for backends whose own threads cannot.
package final class PollerThread: Sendable {
  package let poller: any Poller
  package let sleeps: SleepQueue
  private let isStopping: Flag
  private let thread: Thread

  /// Apart, since the thread starts before its owner is there to be held.
  private final class Flag: Sendable {
    let isSet = Atomic(false)
  }

  package init(_ kind: PollerKind, name: String) throws(IOError) {
    let poller = try kind.makePoller()
    let sleeps = SleepQueue { _ in poller.wake() }
    let isStopping = Flag()
    thread = try Thread(name: name) {
      while !isStopping.isSet.load(ordering: .acquiring) {
        poller.poll(timeout: sleeps.fire().map { max(0, $0 - monotonicNow()) })
      }
    }
    self.poller = poller
    self.sleeps = sleeps
    self.isStopping = isStopping
  }

  /// Ends the thread. Once, and when nobody needs it any more.
  package func stop() {
    isStopping.isSet.store(true, ordering: .releasing)
    poller.wake()
    thread.join()
    poller.close()
  }
}
