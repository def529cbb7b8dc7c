@testable import RuntimeHTTP

/// Feeds bytes to the decoder of HTTP/2 frames (RFC 9113 section 4). A decoded frame has to lie within its bytes, and
/// must not depend on the bytes after it; the decoder has to wait for the rest of a frame without its last byte.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFrames(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = UnsafeBufferPointer(start: start, count: count)
  let decoder = FrameDecoder()
  var position = 0
  while true {
    let beginning = position
    let found = Result { () throws(HTTP2Error) in try decoder.next(input.span, at: &position) }
    if case .failure(.connection) = found { return 0 }
    if case .success(nil) = found {
      precondition(position == beginning)
      return 0
    }
    precondition(position >= beginning + FrameHeader.size && position <= count)
    for length in [position, position - 1] {
      var end = beginning
      let again = Result { () throws(HTTP2Error) in
        try decoder.next(input.span.extracting(0..<length), at: &end)
      }
      if length == position {
        precondition(end == position && isSame(found, again))
      } else if case .failure(.connection) = again {
        preconditionFailure("the decoder refuses a valid frame without its last byte")
      } else {
        precondition(end == beginning)
      }
    }
    if case .success(let frame?) = found, let range = frame.payload {
      precondition(range.lowerBound >= beginning + FrameHeader.size && range.upperBound <= position)
    }
  }
}

private func isSame(_ left: Result<Frame?, HTTP2Error>, _ right: Result<Frame?, HTTP2Error>) -> Bool {
  switch (left, right) {
  case (.success(let left), .success(let right)): left == right
  case (.failure, .failure): true
  default: false
  }
}

extension Frame {
  /// The range of its payload, for frames that have more than numbers.
  fileprivate var payload: Range<Int>? {
    switch self {
    case .data(_, let range, _, _), .headers(_, let range, _, _), .settings(let range), .continuation(_, let range, _),
      .priorityUpdate(_, let range):
      range
    default: nil
    }
  }
}
