/// Decodes the bytes that a peer sends into messages (RFC 9112). It does no input or output: bytes go in, events come
/// out. `Start` determines whether they are requests or responses.
///
/// Call ``next(_:at:)`` until it returns ``Event/needsInput``, which means that all input has been used; then call it
/// with more. After ``Event/end``, call ``beginNext()`` to continue with the next message of the connection. After an
/// error, every call throws that error, because the start of the next message is unknown.
///
/// A malformed line is reported as soon as it is complete. The parts of a head are valid from ``Event/head`` until
/// ``beginNext()``. Memory is reused, so a message whose parts the caller has not kept causes no allocation.
package struct MessageDecoder<Start: StartLine>: Sendable {
  package enum Event: Equatable {
    /// All input has been used, and more is needed.
    case needsInput
    /// A head is complete: ``start``, ``fields`` and ``framing`` are those of the message.
    case head
    /// The bytes in this range of the input are content.
    case body(Range<Int>)
    /// The message and its ``trailers`` are complete.
    case end
  }

  private enum State {
    case startLine
    case fields
    /// The head has ended, and its event has been returned.
    case head
    case fixed(remaining: Int)
    case untilClose
    case chunkSize
    case chunk(remaining: Int)
    case chunkEnd(afterReturn: Bool)
    case trailers
    case complete
    case failed
  }

  private let limits: MessageLimits
  private var state = State.startLine
  /// The error of a message that has failed.
  private var failure = WireError(.badRequest)
  private var lines = LineReader()
  /// The number of empty lines before the first line.
  private var emptyLines = 0
  private var headLength = 0
  private var bodyLength = 0
  /// The number of trailers so far, including dropped ones.
  private var trailerCount = 0

  // A caller that keeps these two replaces them by others, whose memory is used for the next message.
  package var start = Start()
  package var fields = HeaderFields()
  private(set) var framing = MessageFraming()
  package private(set) var trailers = HeaderFields()

  package init(limits: MessageLimits) { self.limits = limits }

  /// Whether no byte of the next message has been received.
  package var isBetweenMessages: Bool {
    if case .startLine = state { lines.isEmpty } else { false }
  }

  /// Whether nothing has been received, not even an empty line before a message.
  var isUntouched: Bool { isBetweenMessages && emptyLines == 0 }

  /// Whether a chunk has begun and is incomplete, even if only its CRLF is missing.
  package var isWithinChunk: Bool {
    switch state {
    case .chunk, .chunkEnd: true
    default: false
    }
  }

  /// Whether the whole message has been decoded.
  package var isComplete: Bool {
    switch state {
    case .complete: true
    case .head: framing.body == .length(0)
    default: false
    }
  }

  /// Whether the first line of a message has been received, and its content has not begun.
  var hasStart: Bool { headLength > 0 }

  /// The number of bytes of content still to come; `nil` if it is not known.
  var remainingLength: Int? {
    switch state {
    case .head: if case .length(let length) = framing.body { length } else { nil }
    case .fixed(let remaining): remaining
    case .complete: 0
    default: nil
    }
  }

  /// Prepares for the next message. Traps if the current one is incomplete.
  package mutating func beginNext() {
    precondition(isComplete)
    reset()
  }

  /// Prepares for another connection, whatever the state of this one.
  mutating func reset() {
    if isUntouched { return }
    state = .startLine
    if !lines.isEmpty { lines.recycle(lines.takeLine()) }
    emptyLines = 0
    headLength = 0
    bodyLength = 0
    trailerCount = 0
    start.clear()
    fields.removeAll(keepingCapacity: true)
    if !trailers.isEmpty { trailers.removeAll() }
  }

  /// Returns the next event of `input` from `position` on, and moves `position` past the bytes that led to it.
  package mutating func next(_ input: Span<UInt8>, at position: inout Int) throws(WireError) -> Event {
    do {
      return try advance(input, at: &position)
    } catch {
      throw fail(error)
    }
  }

  private mutating func advance(_ input: Span<UInt8>, at position: inout Int) throws(WireError) -> Event {
    while true {
      switch state {
      case .startLine:
        guard let line = lines.wholeLine(in: input, at: &position, limit: limits.startLine) else {
          guard try acceptPiece(input, at: &position) else { return .needsInput }
          continue
        }
        try acceptStart(input.extracting(line))
      case .fields:
        guard let line = lines.wholeLine(in: input, at: &position, limit: headLimit) else {
          guard try acceptPiece(input, at: &position) else { return .needsInput }
          if headHasEnded { return .head }
          continue
        }
        try acceptField(input.extracting(line))
        if line.isEmpty { return .head }
      case .chunkSize, .trailers:
        guard let line = lines.wholeLine(in: input, at: &position, limit: lineLimit) else {
          guard try acceptPiece(input, at: &position) else { return .needsInput }
          continue
        }
        try accept(input.extracting(line))
      case .fixed(let remaining), .chunk(let remaining):
        let range = position..<position + min(remaining, input.count - position)
        guard !range.isEmpty else { return .needsInput }
        position = range.upperBound
        consumeContent(range.count)
        return .body(range)
      case .untilClose:
        guard position < input.count else { return .needsInput }
        defer { position = input.count }
        return .body(position..<input.count)
      case .chunkEnd(let afterReturn):
        guard position < input.count else { return .needsInput }
        guard input[position] == (afterReturn ? UInt8(ascii: "\n") : UInt8(ascii: "\r")) else {
          throw .malformed("A chunk does not end where its size says.")
        }
        position += 1
        state = afterReturn ? .chunkSize : .chunkEnd(afterReturn: true)
      case .head: beginContent()
      case .complete: return .end
      case .failed: throw failure
      }
    }
  }

  /// Handles the end of the peer's input, which ends a message without a declared length.
  package mutating func finish() throws(WireError) {
    switch state {
    case .untilClose: state = .complete
    case .complete: return
    case .startLine where isBetweenMessages: return
    default:
      throw fail(.malformed("The message is incomplete."))
    }
  }

  private mutating func fail(_ error: WireError) -> WireError {
    state = .failed
    failure = error
    return error
  }

  /// Processes the next line, or gathers the part of it that has been received.
  ///
  /// - Returns: Whether the line was complete.
  @inline(never)
  private mutating func acceptPiece(_ input: Span<UInt8>, at position: inout Int) throws(WireError) -> Bool {
    switch lines.gatherNext(in: input, at: &position, limit: lineLimit) {
    case .incomplete: return false
    case .malformed: throw .malformed("A line does not end in CRLF, or contains a NUL.")
    case .tooLong: throw tooLong
    case .gathered:
      let line = lines.takeLine()
      try accept(line.span)
      lines.recycle(line)
    }
    return true
  }

  /// Processes a line, which comes without its CRLF.
  private mutating func accept(_ line: Span<UInt8>) throws(WireError) {
    switch state {
    case .startLine: try acceptStart(line)
    case .fields: try acceptField(line)
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
      try trailers.append(trailer: line)
    case .head, .fixed, .untilClose, .chunk, .chunkEnd, .complete, .failed: return
    }
  }

  @inline(__always)
  private mutating func acceptStart(_ line: Span<UInt8>) throws(WireError) {
    if line.isEmpty {
      emptyLines += 1
      if emptyLines <= Start.maximumEmptyLines { return }
    }
    try start.read(line)
    headLength = line.count + 2
    state = .fields
  }

  /// Processes a line of the head. An empty one ends it.
  @inline(__always)
  private mutating func acceptField(_ line: Span<UInt8>) throws(WireError) {
    if line.isEmpty {
      framing = try MessageFraming(fields, version: start.version, of: start.role, bodyLimit: limits.body)
      state = .head
      return
    }
    try countField(line, after: fields.count)
    try fields.append(line: line)
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
    case .untilClose: state = .untilClose
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

  /// The maximum length of the next line.
  private var lineLimit: Int {
    switch state {
    case .startLine: limits.startLine
    case .chunkSize: MessageLimits.chunkLine
    default: headLimit
    }
  }

  /// The maximum length of the next line of a head.
  private var headLimit: Int { max(0, limits.head - headLength) }

  /// The error for a line over its limit.
  private var tooLong: WireError {
    switch state {
    case .startLine: Start.tooLong(hasSpace: lines.hasGathered(UInt8(ascii: " "), within: limits.startLine))
    case .chunkSize: .malformed("A chunk's extensions are too long.")
    default: WireError(.requestHeaderFieldsTooLarge)
    }
  }
}
