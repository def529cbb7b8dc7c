public import Runtime

/// The facts about a request that has ended, for a ``RequestObserver``.
public struct RequestRecord: Sendable {
  /// The way in which a request ended.
  public struct Ending: Hashable, Sendable {
    fileprivate enum Kind { case complete, clientGone, timedOut, failed }

    fileprivate let kind: Kind

    private init(_ kind: Kind) { self.kind = kind }

    /// The system has taken the whole response.
    public static let complete = Ending(.complete)
    /// The client reset the stream, or closed the connection, before the end.
    public static let clientGone = Ending(.clientGone)
    /// The client took too long to send its request or to receive the response.
    public static let timedOut = Ending(.timedOut)
    /// The response was interrupted: the handler failed after it had begun, or the client violated the protocol.
    public static let failed = Ending(.failed)
  }

  /// The number of the request, unique in this process.
  public let id: UInt64
  /// The request without its content, with the route that a ``Router`` found. If the head was refused, it holds what
  /// had been received; `nil` if not even the request line could be parsed.
  public let request: Request?
  let origin: RequestOrigin?
  let number: UInt32
  /// The status of the response; `nil` if none had begun.
  public let status: Status?
  /// The number of bytes of content received.
  public let receivedLength: Int
  /// The number of bytes of content sent.
  public let sentLength: Int
  /// The time from the end of the request's head to the end of the response.
  public var duration: Duration { .nanoseconds(nanoseconds) }
  let nanoseconds: Int64
  /// The way in which the request ended.
  public let ending: Ending
  /// Whether the engine answered or ended the request without calling a handler.
  public let isRefused: Bool
  /// The error of the handler, or the reason why the engine refused the request.
  public let error: (any Error)?
}

extension RequestRecord {
  /// The identity of the request, as in ``Request/requestID``. A request that could not be parsed has one too.
  public var requestID: String {
    var bytes = ByteBuffer(capacity: 128)
    appendRequestID(to: &bytes)
    return String(decoding: bytes.contents, as: UTF8.self)
  }

  /// The address of the client; `nil` if the stream does not know it.
  public var remoteAddress: SocketAddress? { origin?.address }

  func appendRequestID(to bytes: inout ByteBuffer) {
    if let request { return request.appendRequestID(to: &bytes) }
    RequestIdentity(connection: origin?.number ?? 0, request: number).append(to: &bytes)
  }
}

extension RequestRecord.Ending: CustomStringConvertible {
  /// The description as a constant.
  var text: StaticString {
    switch kind {
    case .complete: "complete"
    case .clientGone: "client gone"
    case .timedOut: "timed out"
    case .failed: "failed"
    }
  }

  /// The ending for a log line: "complete", "client gone", "timed out" or "failed".
  public var description: String { "\(text)" }
}
