/// All memory that a connection needs while it is busy. An idle connection has none.
///
/// Each part is used by one task at a time: the connection's task or, while a handler runs, the task that reads the
/// request's body (``input``, ``decoder``) and the task that writes the response's (``output``, ``encoder``).
/// ``HTTP1Exchange`` ensures this.
final class Workspace: @unchecked Sendable {  // one task at a time, as said above
  static let inputCapacity = 16 * 1024
  static let outputCapacity = 16 * 1024
  /// The number of bytes that it counts for while a connection waits with it.
  static let heldLength = inputCapacity + outputCapacity
  /// The largest capacity of the output with which a workspace is kept.
  private static let largestOutput = 128 * 1024

  // Exclusivity is unchecked because the type's purpose is to prevent concurrent use.

  /// The bytes that have been read and not yet decoded.
  @exclusivity(unchecked) var input = ByteBuffer(capacity: inputCapacity)
  /// The bytes that have been encoded and not yet written.
  @exclusivity(unchecked) var output = ByteBuffer(capacity: outputCapacity)
  @exclusivity(unchecked) var decoder: RequestDecoder
  @exclusivity(unchecked) var encoder = ResponseEncoder()
  /// The state for HTTP/2, if the connection switches to it.
  @exclusivity(unchecked) var handover: HTTP2Handover?
  /// The state for another protocol, if one takes over the connection.
  @exclusivity(unchecked) var takeover: HTTP1Takeover?

  /// The client's progress in sending the request's content, relative to the minimum rate.
  @exclusivity(unchecked) var pace = Pace()

  /// Whether the requests that were read together may be refused because of overload.
  @exclusivity(unchecked) var isOverloaded = false

  /// The server's observers, if there are any.
  let observers: RequestObservers?
  /// The trace of the request that is being answered, if there are observers.
  @exclusivity(unchecked) var trace: RequestTrace?
  /// The traces of requests whose responses are in ``output``, or have just been written.
  @exclusivity(unchecked) var answered: [RequestTrace] = []

  init(limits: MessageLimits, observers: RequestObservers?) {
    decoder = RequestDecoder(limits: limits)
    self.observers = observers
  }

  /// An event of the decoder, with the bytes of content.
  enum Event {
    case needsInput
    case head
    case content(UnsafeBufferPointer<UInt8>)
    case end
  }

  /// Decodes the next event of ``input``. Content is valid until the next read.
  func nextEvent() throws(WireError) -> Event {
    let bytes = input.contents
    var position = 0
    defer { input.consume(position) }
    let event = try decoder.next(bytes.span, at: &position)
    return switch event {
    case .needsInput: .needsInput
    case .head: .head
    case .body(let range): content(bytes[range])
    case .end: .end
    }
  }

  @inline(__always)
  private func content(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Event {
    if let trace { trace.receivedLength += bytes.count }
    return .content(UnsafeBufferPointer(rebasing: bytes))
  }

  /// Appends `content` with its framing to ``output``, unless it is too large to copy.
  ///
  /// - Returns: Whether it was appended.
  @inline(__always)
  func append(_ content: [UInt8]) throws(BodyError) -> Bool {
    guard encoder.sendsContent, !content.isEmpty else { return true }
    guard content.count <= WriteSizes.copied else { return false }
    try encoder.beginContent(content.count, into: &output)
    output.append(content.span)
    encoder.endContent(into: &output)
    if let trace { trace.sentLength += content.count }
    return true
  }

  /// Decodes all content in ``input``, however many chunks it has. Returns it, and whether the content has ended.
  ///
  /// If invalid framing follows valid content, the content is not returned: the handler might act on it, although the
  /// request has to be refused.
  func decodeContent() throws(WireError) -> (content: [UInt8], isComplete: Bool) {
    var content: [UInt8] = []
    while true {
      switch try nextEvent() {
      case .head: continue
      case .content(let bytes):
        // The rest cannot be longer than the input, so one allocation suffices for any number of chunks.
        if content.isEmpty { content.reserveCapacity(bytes.count + input.count) }
        content.append(contentsOf: bytes)
      case .needsInput: return (content, false)
      case .end: return (content, true)
      }
    }
  }
}

extension Workspace: Reusable {
  func reset() -> Bool {
    guard output.capacity <= Self.largestOutput else { return false }
    input.removeAll()
    output.removeAll()
    decoder.reset()
    return true
  }
}
