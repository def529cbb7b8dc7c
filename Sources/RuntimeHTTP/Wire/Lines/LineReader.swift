/// Finds lines that end in CRLF (RFC 9112 section 2.2) in bytes that come in any pieces.
///
/// A line that lies whole in the input is not copied. One that comes in pieces is gathered here, and looked at as it
/// comes, so that what can belong to no line is known at once and not only when the line ends, if ever.
struct LineReader: Sendable {
  enum Line {
    /// The input is used up, and the line goes on.
    case incomplete
    /// The line lies in the input, its CRLF not counted.
    case inInput(Range<Int>)
    /// The line has been gathered; ``take()`` gives it.
    case gathered
    /// The line is longer than the limit; what there is of it has been gathered.
    case tooLong
    /// An LF without a CR, a CR without an LF, or a NUL.
    case malformed
  }

  private var pieces: [UInt8] = []

  /// Whether a part of a line has been gathered.
  var isEmpty: Bool { pieces.isEmpty }

  /// The next line, if all of it is in `input` from `position` on and it is no longer than `limit`: where it is, without
  /// its CRLF. `position` is moved past it.
  @inline(__always)
  mutating func wholeLine(in input: Span<UInt8>, at position: inout Int, limit: Int) -> Range<Int>? {
    let start = position
    guard pieces.isEmpty, let end = input.firstIndex(of: UInt8(ascii: "\n"), from: start), end > start,
      input[end - 1] == UInt8(ascii: "\r"), end - 1 - start <= limit
    else { return nil }
    position = end + 1
    return start..<end - 1
  }

  /// Looks for the next line of no more than `limit` bytes in `input` from `position` on, and moves `position` past it.
  mutating func next(in input: Span<UInt8>, at position: inout Int, limit: Int) -> Line {
    let start = position
    guard let end = input.firstIndex(of: UInt8(ascii: "\n"), from: start) else {
      position = input.count
      return gather(input.extracting(start..<input.count), limit: limit)
    }
    position = end + 1
    if !pieces.isEmpty { return finish(input.extracting(start..<end), limit: limit) }
    guard end > start, input[end - 1] == UInt8(ascii: "\r") else { return .malformed }
    return end - 1 - start <= limit ? .inInput(start..<end - 1) : gather(input.extracting(start..<end), limit: limit)
  }

  /// Whether the first `count` bytes that have been gathered hold `byte`.
  func hasGathered(_ byte: UInt8, within count: Int) -> Bool { pieces.prefix(count).contains(byte) }

  /// Gives the line that was gathered, without its CRLF; ``giveBack(_:)`` keeps its memory for the next.
  mutating func take() -> [UInt8] {
    var line: [UInt8] = []
    swap(&line, &pieces)
    return line
  }

  mutating func giveBack(_ line: consuming [UInt8]) {
    line.removeAll(keepingCapacity: true)
    pieces = line
  }

  private mutating func gather(_ piece: Span<UInt8>, limit: Int) -> Line {
    guard !piece.isEmpty else { return .incomplete }
    // A CR is in order only as the last byte so far: what comes next may be its LF.
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
