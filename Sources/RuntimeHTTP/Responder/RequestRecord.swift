public import Runtime

/// What a ``RequestObserver`` learns of a request that has ended.
public struct RequestRecord: Sendable {
  /// How a request ends.
  public struct Ending: Hashable, Sendable {
    fileprivate enum Kind { case complete, clientGone, timedOut, failed }

    fileprivate let kind: Kind

    private init(_ kind: Kind) { self.kind = kind }

    /// The system has taken the whole response.
    public static let complete = Ending(.complete)
    /// The client reset the stream or closed the connection first.
    public static let clientGone = Ending(.clientGone)
    /// The client took too long to send its request, or to take the response.
    public static let timedOut = Ending(.timedOut)
    /// The response was broken off: the handler failed after it had begun, or the client broke the protocol.
    public static let failed = Ending(.failed)
  }

  /// The number of the request, which no other request in this process has.
  public let id: UInt64
  /// The request without its content, with the route that a ``Router`` found. Of a head that was refused, it holds what
  /// had come; `nil` if not even its request line was readable.
  public let request: Request?
  let origin: RequestOrigin?
  let number: UInt32
  /// The status of the response; `nil` if none was begun.
  public let status: Status?
  /// The bytes of content that came.
  public let receivedLength: Int
  /// The bytes of content that were sent.
  public let sentLength: Int
  /// The time from the end of the request's head to the end of the response.
  public var duration: Duration { .nanoseconds(nanoseconds) }
  let nanoseconds: Int64
  /// How it ended.
  public let ending: Ending
  /// Whether the engine has answered the request, or ended it, without asking a handler.
  public let isRefused: Bool
  /// What the handler threw, or why the engine refused the request.
  public let error: (any Error)?
}

extension RequestRecord {
  /// The identity of the request, as ``Request/requestID`` says; one that was not readable has one too.
  public var requestID: String {
    var bytes = ByteBuffer(capacity: 128)
    appendRequestID(to: &bytes)
    return String(decoding: bytes.taken, as: UTF8.self)
  }

  /// Where the request came from, where the stream knows.
  public var remoteAddress: SocketAddress? { origin?.address }

  func appendRequestID(to bytes: inout ByteBuffer) {
    if let request { return request.appendRequestID(to: &bytes) }
    RequestIdentity(connection: origin?.number ?? 0, request: number).append(to: &bytes)
  }
}

extension RequestRecord.Ending: CustomStringConvertible {
  /// The text of ``description``.
  var text: StaticString {
    switch kind {
    case .complete: "complete"
    case .clientGone: "client gone"
    case .timedOut: "timed out"
    case .failed: "failed"
    }
  }

  /// For a line of a log: "complete", "client gone", "timed out" or "failed".
  public var description: String { "\(text)" }
}
