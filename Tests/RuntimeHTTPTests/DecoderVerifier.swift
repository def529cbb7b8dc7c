import Testing

@testable import RuntimeHTTP

/// What a decoder made of some bytes, independent of how the bytes were split.
enum Decoded: Equatable, CustomStringConvertible {
  /// `GET /path HTTP/1.1`, then one line per field.
  case head(String)
  case body(String)
  case end(trailers: String = "")
  case error(Int)

  var description: String {
    switch self {
    case .head(let text): "head(\(text.debugDescription))"
    case .body(let text): "body(\(text.debugDescription))"
    case .end(let trailers): "end(\(trailers.debugDescription))"
    case .error(let code): "error(\(code))"
    }
  }
}

/// Decodes the same bytes whole, split in two at every place, and byte by byte, and expects the same result each time.
func decode(
  _ text: String, options: ServerOptions = ServerOptions(), sourceLocation: SourceLocation = #_sourceLocation
) -> [Decoded] {
  decode(Array(text.utf8), options: options, sourceLocation: sourceLocation)
}

func decode(
  _ bytes: [UInt8], options: ServerOptions = ServerOptions(), sourceLocation: SourceLocation = #_sourceLocation
) -> [Decoded] {
  let whole = decode(pieces: [bytes[...]], options: options)
  for cut in bytes.indices.dropFirst() {
    let pieces = decode(pieces: [bytes[..<cut], bytes[cut...]], options: options)
    #expect(pieces == whole, "cut at \(cut)", sourceLocation: sourceLocation)
  }
  let drip = decode(pieces: bytes.indices.map { bytes[$0...$0] }, options: options)
  #expect(drip == whole, "byte by byte", sourceLocation: sourceLocation)
  return whole
}

private func decode(pieces: [ArraySlice<UInt8>], options: ServerOptions) -> [Decoded] {
  var decoder = RequestDecoder(limits: MessageLimits(options))
  var events: [Decoded] = []
  var content: [UInt8] = []
  for piece in pieces {
    let input = Array(piece)
    var position = 0
    decoding: while true {
      do {
        switch try decoder.next(input.span, at: &position) {
        case .needsInput:
          precondition(position == input.count, "input is needed only when there is none left")
          break decoding
        case .head:
          let fields = decoder.parts.fields.isEmpty ? "" : "\n\(decoder.parts.fields)"
          let target = String(decoding: decoder.parts.target.bytes, as: UTF8.self)
          events.append(.head("\(decoder.parts.method) \(target) \(decoder.parts.version)\(fields)"))
        case .body(let range):
          content += input[range]
        case .end:
          if !content.isEmpty { events.append(.body(String(decoding: content, as: UTF8.self))) }
          content = []
          events.append(.end(trailers: "\(decoder.trailers)"))
          decoder.beginNext()
        }
      } catch {
        if !content.isEmpty { events.append(.body(String(decoding: content, as: UTF8.self))) }
        return events + [.error(Int(error.status.code))]
      }
    }
  }
  if !content.isEmpty { events.append(.body(String(decoding: content, as: UTF8.self))) }
  return events
}
