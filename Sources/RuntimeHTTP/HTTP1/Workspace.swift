/// All the memory that a connection needs while it is busy. An idle one has none.
///
/// It is in one pair of hands at a time: the connection's task or, while a handler runs, whoever reads its request's
/// body (``input``, ``decoder``) and whoever writes its response's (``output``, ``encoder``); ``HTTP1Exchange`` sees to
/// that.
final class Workspace: @unchecked Sendable {  // in one pair of hands at a time, as said above
  static let inputCapacity = 16 * 1024
  static let outputCapacity = 16 * 1024
  /// What it counts for while a connection waits with it.
  static let heldLength = inputCapacity + outputCapacity
  /// One whose output has grown past this is not kept.
  private static let largestOutput = 128 * 1024

  // The checks of exclusive access are left out: two hands at a time is what the type is there to prevent.

  /// What has been read and not yet decoded.
  @exclusivity(unchecked) var input = ByteBuffer(capacity: inputCapacity)
  /// What has been encoded and not yet written.
  @exclusivity(unchecked) var output = ByteBuffer(capacity: outputCapacity)
  @exclusivity(unchecked) var decoder: RequestDecoder
  @exclusivity(unchecked) var encoder = ResponseEncoder()
  /// What HTTP/2 begins with, if the client goes on with that.
  @exclusivity(unchecked) var handover: HTTP2Handover?
  /// What follows HTTP, if that is another protocol.
  @exclusivity(unchecked) var takeover: HTTP1Takeover?

  /// How the client keeps up with the least that it has to send of the request's content.
  @exclusivity(unchecked) var pace = Pace()

  /// Whether the requests that have come at once are refused, as there is too much to do.
  @exclusivity(unchecked) var isOverloaded = false

  /// The server's observers, if there are any.
  let observers: RequestObservers?
  /// The request that is being answered, for them.
  @exclusivity(unchecked) var trace: RequestTrace?
  /// Requests whose responses are in ``output``, or have just left it.
  @exclusivity(unchecked) var answered: [RequestTrace] = []

  init(limits: MessageLimits, observers: RequestObservers?) {
    decoder = RequestDecoder(limits: limits)
    self.observers = observers
  }

  /// The next event of the input, with the content itself where it is content.
  enum Event {
    case needsInput
    case head
    case content(UnsafeBufferPointer<UInt8>)
    case end
  }

  /// Decodes what is in ``input``. Content is valid until the next byte is read.
  func nextEvent() throws(WireError) -> Event {
    let bytes = input.taken
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

  /// Appends `content` to ``output`` as the encoder frames it, unless it is so large that it had better leave from where
  /// it lies.
  ///
  /// - Returns: whether it was appended.
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

  /// Decodes all the content that is in ``input``, in however many chunks it comes, and says whether it has ended.
  ///
  /// Where the framing is wrong behind good content, that content is not given: a handler which acts on it, or answers
  /// with it, would do so for a request that has to be refused.
  func takeContent() throws(WireError) -> (content: [UInt8], isComplete: Bool) {
    var content: [UInt8] = []
    while true {
      switch try nextEvent() {
      case .head: continue
      case .content(let bytes):
        // No more can follow than is in the input, so that one allocation is enough for any number of chunks.
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
