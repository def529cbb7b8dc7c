/// Turns the bytes a client sends into requests: a ``MessageDecoder`` with memory for the request that a handler gets.
struct RequestDecoder: Sendable {
  typealias Event = MessageDecoder<RequestLine>.Event

  private var message: MessageDecoder<RequestLine>
  /// The head of the request: from ``Event/head`` on, and not before. Until then it lies in `message`, since each line
  /// would have to go by way of a reference here.
  private(set) var parts = RequestParts()
  /// Whether the head of the request has come.
  private var hasHead = false

  init(limits: MessageLimits) { message = MessageDecoder(limits: limits) }

  /// What the request asks for: GET until its line has been read.
  @inline(__always) var method: Method { message.start.method }
  @inline(__always) var framing: MessageFraming { message.framing }
  var trailers: HeaderFields { message.trailers }

  /// Whether no byte of a request has come since the last one.
  @inline(__always) var isBetweenRequests: Bool { message.isBetweenMessages }
  /// Whether the whole of a request has been decoded.
  @inline(__always) var isComplete: Bool { message.isComplete }
  /// How many bytes of content are still to come, where that is known.
  var remainingLength: Int? { message.remainingLength }

  /// Makes ready for the next request. The one before must be complete.
  mutating func beginNext() {
    precondition(isComplete)
    reset()
  }

  /// Makes ready for another connection, whatever has become of this one.
  mutating func reset() {
    if message.isUntouched { return }
    // The memory of the last request is used again, unless its handler has kept it.
    if isKnownUniquelyReferenced(&parts) { swapParts() } else { parts = RequestParts() }
    message.reset()
    hasHead = false
  }

  /// The request without its content, as far as it has come; `nil` if not even its first line has.
  ///
  /// - Parameter number: which request of its connection it is.
  func request(from origin: RequestOrigin, _ number: UInt32) -> Request? {
    if hasHead { return Request(parts).withoutBody }
    guard message.hasStart else { return nil }
    let start = message.start
    return Request(RequestParts(start.method, start.version, start.target, message.fields, from: origin, number))
  }

  /// The next event of `input` from `position` on, which is moved past the bytes that led to it.
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
