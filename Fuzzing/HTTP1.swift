@testable import RuntimeHTTP

/// Feeds bytes to the decoder of HTTP/1.1 requests (RFC 9112). The result has to be the same however they are split.
///
/// The first byte of the input chooses the splits.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP1(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = UnsafeBufferPointer(start: start, count: count)
  guard let first = input.first else { return 0 }
  let bytes = UnsafeBufferPointer(rebasing: input.dropFirst())
  let cut = min(Int(first), bytes.count)
  let whole = decode([bytes])
  precondition(
    decode([UnsafeBufferPointer(rebasing: bytes[..<cut]), UnsafeBufferPointer(rebasing: bytes[cut...])]) == whole)
  return 0
}

/// The result of decoding `pieces`, in a form that does not depend on the splits.
private func decode(_ pieces: [UnsafeBufferPointer<UInt8>]) -> String {
  var decoder = RequestDecoder(limits: MessageLimits(ServerOptions()))
  var account = ""
  var content: [UInt8] = []
  for piece in pieces {
    var position = 0
    var needsInput = false
    while !needsInput {
      do throws(WireError) {
        switch try decoder.next(piece.span, at: &position) {
        case .needsInput:
          precondition(position == piece.count)
          needsInput = true
        case .head: account += "\(decoder.parts.method) \(decoder.parts.target.bytes) \(decoder.parts.fields)\n"
        case .body(let range): content += piece[range]
        case .end:
          account += "\(content) \(decoder.trailers)\n"
          content = []
          decoder.beginNext()
        }
      } catch {
        return account + "\(content) \(error.status.code)"
      }
    }
  }
  return account + "\(content)"
}
