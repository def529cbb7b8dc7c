import Runtime

/// A connection's stream and its workspace while it is busy: bytes come and go through here, each wait with its timeout.
struct HTTP1Channel<Stream: ByteStream>: Sendable {
  /// Output that has reached this size is written even if more requests are there to be answered first.
  static var outputMark: Int { 64 * 1024 }
  /// Content up to this size is copied behind its head; larger content is written from where it lies.
  static var copiedLength: Int { 16 * 1024 }
  /// No more than this is written at once, since the time that a peer may take nothing is measured from write to write.
  static var writtenLength: Int { 256 * 1024 }

  let stream: Stream
  let workspace: Workspace
  let control: ConnectionControl

  /// Reads what there is into the input, of which nothing may be left.
  ///
  /// - Returns: whether there was anything; if not, the peer has finished.
  func fill() async throws(IOError) -> Bool {
    // The workspace is ours until this returns, so the room stays where it is.
    var room = OutputRawSpan(buffer: workspace.input.room, initializedCount: 0)
    let count = try await stream.read(into: &room)
    workspace.input.commit(count)
    return count > 0
  }

  /// Writes all output.
  func flush() async throws(IOError) {
    if workspace.output.isEmpty { return }
    control.begin(.output)
    // The workspace is ours until this returns, so the bytes stay where they are.
    try await stream.write(workspace.output.taken.span.bytes)
    control.end(.output)
    workspace.output.removeAll()
  }

  /// Writes all output and then `content`, in pieces that a peer which is not stuck takes in time.
  func flush(followedBy content: [UInt8]) async throws(IOError) {
    var start = 0
    while start < content.count {
      let end = min(start + Self.writtenLength, content.count)
      control.begin(.output)
      // The workspace is ours until this returns, so the bytes stay where they are.
      try await stream.write(workspace.output.taken.span.bytes, content.span.extracting(start..<end).bytes)
      control.end(.output)
      workspace.output.removeAll()
      start = end
    }
  }

  /// Sends `content` as the encoder frames it. Small content may stay in the output; large content leaves with it.
  func send(_ content: [UInt8]) async throws {
    guard workspace.encoder.sendsContent, !content.isEmpty else { return }
    try workspace.encoder.beginContent(content.count, into: &workspace.output)
    if content.count <= Self.copiedLength {
      workspace.output.append(content.span)
    } else {
      try await flush(followedBy: content)
    }
    workspace.encoder.endContent(into: &workspace.output)
  }
}
