/// Decodes the bytes that a client sends into requests: a ``MessageDecoder`` with storage for the request that handlers
/// get.
struct RequestDecoder: Sendable {
  typealias Event = MessageDecoder<RequestLine>.Event

  private var message: MessageDecoder<RequestLine>
  /// The head of the request, from ``Event/head`` on. Until then it is in `message`, because here access costs an
  /// indirection for each line.
  private(set) var parts = RequestParts()
  /// Whether the head of the request has been received.
  private var hasHead = false

  init(limits: MessageLimits) { message = MessageDecoder(limits: limits) }

  /// The method of the request; GET until its first line has been read.
  @inline(__always) var method: Method { message.start.method }
  @inline(__always) var framing: MessageFraming { message.framing }
  var trailers: HeaderFields { message.trailers }

  /// Whether no byte of the next request has been received.
  @inline(__always) var isBetweenRequests: Bool { message.isBetweenMessages }
  /// Whether the whole request has been decoded.
  @inline(__always) var isComplete: Bool { message.isComplete }
  /// The number of bytes of content still to come; `nil` if it is not known.
  var remainingLength: Int? { message.remainingLength }

  /// Prepares for the next request. Traps if the current one is incomplete.
  mutating func beginNext() {
    precondition(isComplete)
    reset()
  }

  /// Prepares for another connection, whatever the state of this one.
  mutating func reset() {
    if message.isUntouched { return }
    // The memory of the last request is reused, unless its handler has kept the request.
    if isKnownUniquelyReferenced(&parts) { swapParts() } else { parts = RequestParts() }
    message.reset()
    hasHead = false
  }

  /// Returns the request without its content, as far as it has been received; `nil` if its first line has not.
  ///
  /// - Parameter number: The number of the request on its connection.
  func request(from origin: RequestOrigin, _ number: UInt32) -> Request? {
    if hasHead { return Request(parts).withoutBody }
    guard message.hasStart else { return nil }
    let start = message.start
    return Request(RequestParts(start.method, start.version, start.target, message.fields, from: origin, number))
  }

  /// Returns the next event of `input` from `position` on, and moves `position` past the bytes that led to it.
  @inline(__always)
  mutating func next(_ input: Span<UInt8>, at position: inout Int) throws(WireError) -> Event {
    let event = try message.next(input, at: &position)
    if case .head = event {
      parts.method = message.start.method
      parts.version = message.start.version
      swapParts()
      hasHead = true
    }
    return event
  }

  @inline(__always)
  private mutating func swapParts() {
    swap(&parts.target, &message.start.target)
    swap(&parts.fields, &message.fields)
  }
}
