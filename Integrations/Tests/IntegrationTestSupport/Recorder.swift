import Synchronization

/// What has happened, in order, noted from any thread.
package final class Recorder<Event: Sendable>: Sendable {
  private let list = Mutex<[Event]>([])

  package init() {}

  package var events: [Event] { list.withLock(\.self) }

  package func note(_ event: Event) { list.withLock { $0.append(event) } }
}
