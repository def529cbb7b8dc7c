import Runtime

extension ConnectionControl {
  /// For no more than this is waited at once: what a peer has to take in its time.
  var writeStep: Int { max(1, min(context.options.stallLength, 16 * 1024)) }
  /// A step may be longer by as much, so that the last few bytes need no write of their own: content of 16 KiB leaves
  /// together with what frames it.
  private static var slack: Int { 1024 }

  /// Writes all of `buffer`: a step that a peer which is not stuck takes in time, then what there is room for at once, and
  /// so on.
  @inline(__always)
  func write(_ buffer: inout ByteBuffer, to stream: some ByteStream) async throws(IOError) {
    while !buffer.isEmpty {
      let count = buffer.count <= writeStep + Self.slack ? buffer.count : writeStep
      begin(.output)
      // The buffer is ours until these return, so the bytes stay where they are.
      try await stream.write(buffer.taken.span.bytes.extracting(first: count))
      end(.output)
      buffer.consume(count)
      if !buffer.isEmpty { buffer.consume(try stream.tryWrite(buffer.taken.span.bytes)) }
    }
  }
}
