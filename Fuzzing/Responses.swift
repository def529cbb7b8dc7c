@testable import RuntimeHTTP

/// Feeds bytes to the decoder of HTTP/1.1 responses (RFC 9112). The result has to be the same however they are split.
///
/// The first byte of the input chooses the splits, and the second the methods of the requests.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzResponses(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = UnsafeBufferPointer(start: start, count: count)
  guard count >= 2 else { return 0 }
  let bytes = UnsafeBufferPointer(rebasing: input.dropFirst(2))
  let cut = min(Int(input[0]), bytes.count)
  let whole = decode([bytes], methods: input[1])
  let pieces = [UnsafeBufferPointer(rebasing: bytes[..<cut]), UnsafeBufferPointer(rebasing: bytes[cut...])]
  precondition(decode(pieces, methods: input[1]) == whole)
  return 0
}

/// The result of decoding `pieces`, in a form that does not depend on the splits.
private func decode(_ pieces: [UnsafeBufferPointer<UInt8>], methods: UInt8) -> String {
  var decoder = MessageDecoder<StatusLine>(limits: MessageLimits(ServerOptions()))
  var methods = methods
  decoder.start.requestMethod = method(methods)
  var account = ""
  var content: [UInt8] = []
  do throws(WireError) {
    for piece in pieces {
      var position = 0
      var needsInput = false
      while !needsInput {
        switch try decoder.next(piece.span, at: &position) {
        case .needsInput:
          precondition(position == piece.count)
          needsInput = true
        case .head: account += "\(decoder.start.status.code) \(decoder.start.reason) \(decoder.fields)\n"
        case .body(let range): content += piece[range]
        case .end:
          account += "\(content) \(decoder.trailers)\n"
          content = []
          decoder.beginNext()
          methods >>= 2
          decoder.start.requestMethod = method(methods)
        }
      }
    }
    // The end of the connection ends a response or is an error. The decoder must not wait for more.
    try decoder.finish()
    precondition(decoder.isComplete || decoder.isBetweenMessages)
  } catch {
    return account + "\(content) \(error.status.code)"
  }
  return account + "\(content)"
}

private func method(_ bits: UInt8) -> Method {
  switch bits & 3 {
  case 1: .head
  case 2: .connect
  default: .get
  }
}
