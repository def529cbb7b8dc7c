import Synchronization

/// Records events from any thread, in order.
package final class Recorder<Event: Sendable>: Sendable {
  private let list = Mutex<[Event]>([])

  package init() {}

  package var events: [Event] { list.withLock(\.self) }

  package func note(_ event: Event) { list.withLock { $0.append(event) } }
}
