/// Learns of each request of a server, as an access log, metrics or tracing do: when it begins, and how it ended.
///
/// ```swift
/// struct AccessLog: RequestObserver {
///   func requestEnded(_ record: RequestRecord) {
///     print(record.request?.method, record.request?.path, record.status, record.sentLength, record.duration)
///   }
/// }
/// options.observers.append(AccessLog())
/// ```
///
/// The methods are called in the task that serves the connection, for one request after another over HTTP/1 and in any
/// order over HTTP/2. They must not block: every other request of the connection waits for them.
public protocol RequestObserver: Sendable {
  /// Learns that the head of a request has come. Its handler has not been asked.
  ///
  /// - Parameters:
  ///   - request: the request without its content.
  ///   - id: the number of the request, the same as in its ``RequestRecord``.
  func requestBegan(_ request: Request, id: UInt64)

  /// Learns how a request ended: once for each that began, when the last byte of its response has been handed to the
  /// system or when it is clear that this will not happen.
  ///
  /// It is also called for requests that the engine refuses and no handler sees (400, 408, 413, 431 and the like);
  /// ``requestBegan(_:id:)`` is not called for those.
  func requestEnded(_ record: RequestRecord)
}

extension RequestObserver {
  /// Does nothing.
  public func requestBegan(_ request: Request, id: UInt64) {}
}
