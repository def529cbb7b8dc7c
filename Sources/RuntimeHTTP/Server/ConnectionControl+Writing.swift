import Runtime

extension ConnectionControl {
  /// The most bytes that one write may wait for. The peer has to receive them within its timeout.
  var writeStep: Int { max(1, min(context.options.stallLength, 16 * 1024)) }
  /// The number of bytes by which a step may be longer, so that a short rest needs no write of its own: content of 16
  /// KiB is sent together with its framing.
  private static var slack: Int { 1024 }

  /// Writes all of `buffer`, in alternating steps: first as much as a healthy peer receives within the timeout, then as
  /// much as there is room for without waiting.
  @inline(__always)
  func write(_ buffer: inout ByteBuffer, to stream: some ByteStream) async throws(IOError) {
    while !buffer.isEmpty {
      let count = buffer.count <= writeStep + Self.slack ? buffer.count : writeStep
      beginWait(.output)
      // This task owns the buffer until the writes return, so its bytes do not move.
      try await stream.write(buffer.contents.span.bytes.extracting(first: count))
      endWait(.output)
      buffer.consume(count)
      if !buffer.isEmpty { buffer.consume(try stream.tryWrite(buffer.contents.span.bytes)) }
    }
  }
}
