/// Turns the bytes a client sends into requests (RFC 9112), without any input or output: bytes in, events out.
///
/// Call ``next(_:at:)`` until it says that it needs input, which it does only when it has used up all there was; then
/// call it with more. After ``Event/end`` it waits for ``beginNext()`` and then goes on with the next request of the
/// connection. After an error it gives that error for ever: there is no telling where the next request would begin.
///
/// What is malformed is found out as soon as its line is there. The parts of a head are valid from ``Event/head`` to
/// ``beginNext()``. Memory is used again, so that a request which nobody has kept leads to no allocation.
struct RequestDecoder: Sendable {
  enum Event: Equatable {
    /// All input has been used, and more is needed.
    case needsInput
    /// A head is complete: ``method``, ``version``, ``target``, ``fields`` and ``framing`` are those of a request.
    case head
    /// The bytes of the input in this range are content.
    case body(Range<Int>)
    /// The request is complete, and so are its ``trailers``.
    case end
  }

  private enum State {
    case requestLine
    case fields
    /// The head has ended, and its event has been given.
    case head
    case fixed(remaining: Int)
    case chunkSize
    case chunk(remaining: Int)
    case chunkEnd(afterReturn: Bool)
    case trailers
    case complete
    case failed(WireError)
  }

  /// Empty lines before a request line, which are skipped (RFC 9112 section 2.2).
  private static let mostEmptyLines = 8

  private let limits: MessageLimits
  private var state = State.requestLine
  private var lines = LineReader()
  // What there is of a head. It lies here and not in `parts` yet, where each line would have to go by way of a reference.
  private var version = HTTPVersion.http1_1
  private var target = RequestTarget()
  private var fields = HeaderFields()
  private var emptyLines = 0
  private var headLength = 0
  private var bodyLength = 0
  /// How many trailers have come, those that were dropped among them.
  private var trailerCount = 0

  /// The head of the request: from ``Event/head`` on, and not before.
  private(set) var parts = RequestParts()
  /// What the request asks for: GET until its line has been read.
  private(set) var method = Method.get
  private(set) var framing = RequestFraming()
  private(set) var trailers = HeaderFields()

  init(limits: MessageLimits) { self.limits = limits }

  /// Whether no byte of a request has come since the last one.
  var isBetweenRequests: Bool {
    if case .requestLine = state { lines.isEmpty } else { false }
  }

  /// Whether the whole of a request has been decoded.
  var isComplete: Bool {
    switch state {
    case .complete: true
    case .head: framing.body == .length(0)
    default: false
    }
  }

  /// Whether there is no going on, since a request was wrong.
  var hasFailed: Bool {
    if case .failed = state { true } else { false }
  }

  /// Whether the request line that was refused is the first line of HTTP/2's preface.
  private(set) var hasFoundPreface = false

  /// What has come of a head that is not complete; `nil` if its request line has not.
  func partialRequest(from peer: Peer?) -> Request? {
    guard headLength > 0 else { return nil }
    let parts = RequestParts()
    (parts.method, parts.version, parts.target, parts.fields) = (method, version, target, fields)
    parts.peer = peer
    return Request(parts)
  }

  /// How many bytes of content are still to come, where that is known.
  var remainingLength: Int? {
    switch state {
    case .head: if case .length(let length) = framing.body { length } else { nil }
    case .fixed(let remaining): remaining
    case .complete: 0
    default: nil
    }
  }

  /// Makes ready for the next request. The one before must be complete.
  mutating func beginNext() {
    precondition(isComplete)
    reset()
  }

  /// Makes ready for another connection, whatever has become of this one.
  mutating func reset() {
    if isBetweenRequests, emptyLines == 0 { return }
    state = .requestLine
    if !lines.isEmpty { lines.giveBack(lines.take()) }
    emptyLines = 0
    headLength = 0
    bodyLength = 0
    trailerCount = 0
    // The memory of the last request is used again, unless its handler has kept it.
    if isKnownUniquelyReferenced(&parts) {
      swap(&parts.target, &target)
      swap(&parts.fields, &fields)
    } else {
      parts = RequestParts()
    }
    hasFoundPreface = false
    method = .get
    fields.removeAll(keepingCapacity: true)
    if !trailers.isEmpty { trailers.removeAll() }
  }

  /// The next event of `input` from `position` on, which is moved past the bytes that led to it.
  mutating func next(_ input: Span<UInt8>, at position: inout Int) throws(WireError) -> Event {
    do {
      return try advance(input, at: &position)
    } catch {
      state = .failed(error)
      throw error
    }
  }

  private mutating func advance(_ input: Span<UInt8>, at position: inout Int) throws(WireError) -> Event {
    while true {
      switch state {
      case .requestLine, .fields, .chunkSize, .trailers:
        switch lines.next(in: input, at: &position, limit: lineLimit) {
        case .incomplete: return .needsInput
        case .malformed: throw .malformed("A line does not end in CRLF, or holds a NUL.")
        case .tooLong: throw tooLong
        case .inInput(let range): try accept(input.extracting(range))
        case .gathered:
          let line = lines.take()
          try accept(line.span)
          lines.giveBack(line)
        }
        if headHasEnded { return .head }
      case .fixed(let remaining), .chunk(let remaining):
        let range = position..<position + min(remaining, input.count - position)
        guard !range.isEmpty else { return .needsInput }
        position = range.upperBound
        consumeContent(range.count)
        return .body(range)
      case .chunkEnd(let afterReturn):
        guard position < input.count else { return .needsInput }
        guard input[position] == (afterReturn ? UInt8(ascii: "\n") : UInt8(ascii: "\r")) else {
          throw .malformed("A chunk does not end where its size says.")
        }
        position += 1
        state = afterReturn ? .chunkSize : .chunkEnd(afterReturn: true)
      case .head: beginContent()
      case .complete: return .end
      case .failed(let error): throw error
      }
    }
  }

  /// Takes in a line, which came without its CRLF.
  private mutating func accept(_ line: Span<UInt8>) throws(WireError) {
    switch state {
    case .requestLine:
      if line.isEmpty {
        emptyLines += 1
        guard emptyLines <= Self.mostEmptyLines else { throw .malformed("There is no request line.") }
        return
      }
      do {
        version = try RequestLine.parse(line, method: &method, target: &target)
      } catch {
        hasFoundPreface = emptyLines == 0 && line.equals("PRI * HTTP/2.0")
        throw error
      }
      headLength = line.count + 2
      state = .fields
    case .fields:
      if line.isEmpty {
        framing = try RequestFraming(fields, version: version, bodyLimit: limits.body)
        state = .head
        parts.method = method
        parts.version = version
        swap(&parts.target, &target)
        swap(&parts.fields, &fields)
        return
      }
      try countField(line, after: fields.count)
      try fields.append(line: line)
    case .chunkSize:
      let size = try ChunkSize.parse(line)
      guard size <= limits.body - bodyLength else { throw WireError(.contentTooLarge) }
      bodyLength += size
      state = size == 0 ? .trailers : .chunk(remaining: size)
      headLength = 0
    case .trailers:
      if line.isEmpty {
        state = .complete
        return
      }
      try countField(line, after: trailerCount)
      trailerCount += 1
      try trailers.append(line: line)
      trailers.dropLastIfForbiddenInTrailers()
    case .head, .fixed, .chunk, .chunkEnd, .complete, .failed: return
    }
  }

  private mutating func countField(_ line: Span<UInt8>, after count: Int) throws(WireError) {
    guard count < limits.fields else { throw tooLong }
    headLength += line.count + 2
  }

  private mutating func beginContent() {
    switch framing.body {
    case .length(0): state = .complete
    case .length(let length): state = .fixed(remaining: length)
    case .chunked: state = .chunkSize
    }
  }

  private mutating func consumeContent(_ count: Int) {
    switch state {
    case .fixed(let remaining): state = remaining == count ? .complete : .fixed(remaining: remaining - count)
    case .chunk(let remaining):
      state = remaining == count ? .chunkEnd(afterReturn: false) : .chunk(remaining: remaining - count)
    default: break
    }
  }

  private var headHasEnded: Bool {
    if case .head = state { true } else { false }
  }

  /// How long the next line may be.
  private var lineLimit: Int {
    switch state {
    case .requestLine: limits.startLine
    case .chunkSize: MessageLimits.chunkLine
    default: max(0, limits.head - headLength)
    }
  }

  /// What a line over its limit is answered with.
  private var tooLong: WireError {
    switch state {
    case .requestLine:
      // The target is too long only where there is one; a token as long as that is no method of anybody's.
      lines.hasGathered(UInt8(ascii: " "), within: limits.startLine)
        ? WireError(.uriTooLong) : .malformed("The method is too long.")
    case .chunkSize: .malformed("A chunk's extensions are too long.")
    default: WireError(.requestHeaderFieldsTooLarge)
    }
  }
}
