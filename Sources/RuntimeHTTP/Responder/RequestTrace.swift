import Runtime
import RuntimePrimitives
import Synchronization

/// The facts about a request in progress that observers will get. A server without observers creates none.
///
/// Unchecked: only the connection writes the variables, over HTTP/1 like those of its ``Workspace`` and over HTTP/2
/// under its lock. The handler's task adds its facts under a separate lock.
final class RequestTrace: @unchecked Sendable {
  private struct Notes {
    var endpoint: Endpoint?
    var error: (any Error)?
  }

  private static let count = Atomic<UInt64>(0)

  let id: UInt64
  let request: Request?
  private let origin: RequestOrigin?
  private let number: UInt32
  private let isRefused: Bool
  private let startTime: Int64
  private let notes = Lock(Notes())

  @exclusivity(unchecked) var status: Status?
  @exclusivity(unchecked) var receivedLength = 0
  @exclusivity(unchecked) var sentLength = 0
  /// The way in which the request ended, once known.
  @exclusivity(unchecked) var ending: RequestRecord.Ending?

  /// - Parameters:
  ///   - request: The request without its content, or as much of it as has been received.
  ///   - number: The number of the request on its connection.
  ///   - isRefused: Whether no handler is called.
  init(_ request: Request?, from origin: RequestOrigin?, _ number: UInt32, isRefused: Bool = false) {
    // Relaxed: the numbers must be unique, and order nothing.
    id = Self.count.wrappingAdd(1, ordering: .relaxed).newValue
    self.request = request
    self.origin = origin
    self.number = number
    self.isRefused = isRefused
    startTime = MonotonicTime.now
  }

  /// Records an error.
  func note(_ error: any Error) { notes.withLock { $0.error = error } }

  /// Records the endpoint that a router chose.
  func note(_ endpoint: Endpoint) { notes.withLock { $0.endpoint = endpoint } }

  /// Returns the record of the request, which ends now.
  func record(_ ending: RequestRecord.Ending) -> RequestRecord {
    let notes = notes.withLock(\.self)
    var request = request
    request?.endpoint = notes.endpoint
    return RequestRecord(
      id: id, request: request, origin: origin, number: number, status: status, receivedLength: receivedLength,
      sentLength: sentLength, nanoseconds: MonotonicTime.now - startTime, ending: ending, isRefused: isRefused,
      error: notes.error)
  }
}

/// The observers of a server that has any.
final class RequestObservers: Sendable {
  private let observers: [any RequestObserver]

  /// Returns `nil` if there are no observers, so that a connection checks a single word.
  init?(_ observers: [any RequestObserver]) {
    guard !observers.isEmpty else { return nil }
    self.observers = observers
  }

  /// Notifies the observers of a request whose handler is about to be called.
  func began(_ trace: RequestTrace) {
    guard let request = trace.request else { return }
    for observer in observers { observer.requestBegan(request, id: trace.id) }
  }

  /// Notifies the observers of a request that ended as its trace says, or with `ending` if the trace does not say.
  func ended(_ trace: RequestTrace, _ ending: RequestRecord.Ending = .complete) {
    let record = trace.record(trace.ending ?? ending)
    for observer in observers { observer.requestEnded(record) }
  }
}
