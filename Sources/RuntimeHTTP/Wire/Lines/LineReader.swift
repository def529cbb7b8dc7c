/// Finds lines that end in CRLF (RFC 9112 section 2.2) in input that arrives in arbitrary pieces.
///
/// A line that is entirely in the input is not copied. A line in pieces is gathered here and checked as each piece
/// arrives, so that invalid bytes are found immediately, even if the line never ends.
struct LineReader: Sendable {
  /// What came of a line that is not entirely in the input, or is invalid.
  enum Line {
    /// The input is used up, and the line continues.
    case incomplete
    /// The line has been gathered. Call ``takeLine()`` for it.
    case gathered
    /// The line exceeds the limit. What has arrived of it has been gathered.
    case tooLong
    /// There is an LF without a CR, a CR without an LF, or a NUL.
    case malformed
  }

  private var pieces: [UInt8] = []

  /// Whether no part of a line has been gathered.
  var isEmpty: Bool { pieces.isEmpty }

  /// Returns the range of the next line without its CRLF and moves `position` past it, if the whole line is in `input`
  /// and no longer than `limit`.
  @inline(__always)
  func wholeLine(in input: Span<UInt8>, at position: inout Int, limit: Int) -> Range<Int>? {
    let start = position
    guard pieces.isEmpty, let end = input.firstIndex(of: UInt8(ascii: "\n"), from: start), end > start,
      input[end - 1] == UInt8(ascii: "\r"), end - 1 - start <= limit
    else { return nil }
    position = end + 1
    return start..<end - 1
  }

  /// Gathers the part of the next line that is in `input` from `position` on, and moves `position` past it. Call this when
  /// ``wholeLine(in:at:limit:)`` returns `nil`.
  mutating func gatherNext(in input: Span<UInt8>, at position: inout Int, limit: Int) -> Line {
    let start = position
    guard let end = input.firstIndex(of: UInt8(ascii: "\n"), from: start) else {
      position = input.count
      return gather(input.extracting(start..<input.count), limit: limit)
    }
    position = end + 1
    if !pieces.isEmpty { return finish(input.extracting(start..<end), limit: limit) }
    guard end > start, input[end - 1] == UInt8(ascii: "\r") else { return .malformed }
    // The line is complete and valid so far, so it is too long.
    return gather(input.extracting(start..<end), limit: limit)
  }

  /// Returns whether the first `count` gathered bytes contain `byte`.
  func hasGathered(_ byte: UInt8, within count: Int) -> Bool { pieces.prefix(count).contains(byte) }

  /// Returns the gathered line without its CRLF. Call ``recycle(_:)`` afterwards, to keep its memory for the
  /// next line.
  mutating func takeLine() -> [UInt8] {
    var line: [UInt8] = []
    swap(&line, &pieces)
    return line
  }

  mutating func recycle(_ line: consuming [UInt8]) {
    line.removeAll(keepingCapacity: true)
    pieces = line
  }

  private mutating func gather(_ piece: Span<UInt8>, limit: Int) -> Line {
    guard !piece.isEmpty else { return .incomplete }
    // A CR is valid only as the last byte so far: the next byte may be its LF.
    let carriageReturn = UInt8(ascii: "\r")
    if pieces.last == carriageReturn || piece.firstIndex(of: 0) != nil { return .malformed }
    if let index = piece.firstIndex(of: carriageReturn), index != piece.count - 1 { return .malformed }
    pieces.append(copying: piece)
    let length = pieces.last == carriageReturn ? pieces.count - 1 : pieces.count
    return length <= limit ? .incomplete : .tooLong
  }

  private mutating func finish(_ piece: Span<UInt8>, limit: Int) -> Line {
    pieces.append(copying: piece)
    guard pieces.popLast() == UInt8(ascii: "\r") else { return .malformed }
    return pieces.count <= limit ? .gathered : .tooLong
  }
}
