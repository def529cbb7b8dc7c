/// A type that is notified of each request of a server when it begins and when it ends, such as an access log, metrics
/// or tracing.
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
/// The methods are called in the task that serves the connection: for one request after another over HTTP/1, and in any
/// order over HTTP/2. They must not block, because all other requests of the connection wait meanwhile.
public protocol RequestObserver: Sendable {
  /// Called when the head of a request has been received, before its handler is called.
  ///
  /// - Parameters:
  ///   - request: The request without its content.
  ///   - id: The number of the request, the same as in its ``RequestRecord``.
  func requestBegan(_ request: Request, id: UInt64)

  /// Called once for each request that ends: when the system has taken the last byte of its response, or when it is
  /// certain that this will not happen.
  ///
  /// Also called for requests that the engine refuses without calling a handler (with 400, 408, 413, 431 and the like);
  /// ``requestBegan(_:id:)`` is not called for those.
  func requestEnded(_ record: RequestRecord)
}

extension RequestObserver {
  /// Does nothing.
  public func requestBegan(_ request: Request, id: UInt64) {}
}
