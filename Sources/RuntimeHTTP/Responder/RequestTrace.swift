import Runtime
import RuntimePrimitives
import Synchronization

/// What is known so far of a request that observers will be told of. A server without observers makes none.
///
/// Unchecked: the connection alone writes the variables, over HTTP/1 as it does those of its ``Workspace`` and over HTTP/2
/// behind its lock. What the handler's task adds is behind a lock of its own.
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
  private let begin: Int64
  private let notes = Lock(Notes())

  @exclusivity(unchecked) var status: Status?
  @exclusivity(unchecked) var receivedLength = 0
  @exclusivity(unchecked) var sentLength = 0
  /// How it ended, once that is known.
  @exclusivity(unchecked) var ending: RequestRecord.Ending?

  /// - Parameters:
  ///   - request: the request without its content, as far as it has come.
  ///   - number: which request of its connection it is.
  ///   - isRefused: whether no handler is asked.
  init(_ request: Request?, from origin: RequestOrigin?, _ number: UInt32, isRefused: Bool = false) {
    // Relaxed: the numbers have to differ, and order nothing.
    id = Self.count.wrappingAdd(1, ordering: .relaxed).newValue
    self.request = request
    self.origin = origin
    self.number = number
    self.isRefused = isRefused
    begin = MonotonicTime.now
  }

  /// Notes what went wrong.
  func note(_ error: any Error) { notes.withLock { $0.error = error } }

  /// Notes where a router has the request answered.
  func note(_ endpoint: Endpoint) { notes.withLock { $0.endpoint = endpoint } }

  /// The record of the request, which ends now.
  func record(_ ending: RequestRecord.Ending) -> RequestRecord {
    let notes = notes.withLock(\.self)
    var request = request
    request?.endpoint = notes.endpoint
    return RequestRecord(
      id: id, request: request, origin: origin, number: number, status: status, receivedLength: receivedLength,
      sentLength: sentLength, nanoseconds: MonotonicTime.now - begin, ending: ending, isRefused: isRefused,
      error: notes.error)
  }
}

/// The observers of a server that has any.
final class RequestObservers: Sendable {
  private let observers: [any RequestObserver]

  /// `nil` for none, so that a connection has to look at one word.
  init?(_ observers: [any RequestObserver]) {
    guard !observers.isEmpty else { return nil }
    self.observers = observers
  }

  /// Tells of a request whose handler is about to be asked.
  func began(_ trace: RequestTrace) {
    guard let request = trace.request else { return }
    for observer in observers { observer.requestBegan(request, id: trace.id) }
  }

  /// Tells of a request that has ended as its trace says, or by `ending` if it does not say.
  func ended(_ trace: RequestTrace, _ ending: RequestRecord.Ending = .complete) {
    let record = trace.record(trace.ending ?? ending)
    for observer in observers { observer.requestEnded(record) }
  }
}
