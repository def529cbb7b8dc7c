import Runtime

/// How much is written at once.
enum WriteSizes {
  /// Output that has reached this size is written even if more requests are there to be answered first.
  static let outputMark = 64 * 1024
  /// Content up to this size is copied behind its head; larger content is written from where it lies.
  static let copied = 16 * 1024
  /// No more than this is written without a turn for others.
  static let piece = 256 * 1024
}

/// A connection's stream: bytes come and go through here, each wait with its timeout.
///
/// It is a class so that it is passed on as one word, without a look at what kind of stream it has.
final class HTTP1Channel<Stream: ByteStream>: Sendable {
  let stream: Stream
  let control: ConnectionControl
  /// What the connection's task has done since it last let others run. A socket counts for itself what is done between
  /// two of its waits; this counts what a pipeline has the connection do between two operations of the stream, and holds
  /// for streams that do not count.
  let turn = Turn()

  init(_ stream: Stream, _ control: ConnectionControl) {
    self.stream = stream
    self.control = control
  }

  /// Waits for the next request; a connection that waits for that is closed rather than cancelled.
  ///
  /// A function of its own, so that its caller knows that it is still on its executor when this returns.
  @inline(never)
  func waitUntilReadable() async throws(IOError) {
    // The stream itself lets others run where it need not wait, after many operations in a row. Turns that went on from
    // request to request would end for many connections at once, each with its workspace.
    turn.restart()
    try await stream.waitUntilReadableOrClosed()
  }

  /// Reads what there is into the workspace's input, of which nothing may be left, if that needs no waiting.
  ///
  /// - Returns: how many bytes that was, 0 if the peer has finished; `nil` if only waiting can tell.
  @inline(__always)
  func tryFill(_ workspace: Workspace) throws(IOError) -> Int? {
    try workspace.input.tryFill(from: stream)
  }

  /// Reads what there is into the workspace's input, of which nothing may be left.
  ///
  /// - Returns: whether there was anything; if not, the peer has finished.
  @inline(never)
  func fill(_ workspace: Workspace) async throws(IOError) -> Bool {
    if turn.isOver { await turn.give() }
    turn.pause()
    // The workspace is ours until this returns, so the room stays where it is.
    var room = OutputRawSpan(buffer: workspace.input.room, initializedCount: 0)
    let count = try await stream.read(into: &room)
    workspace.input.commit(count)
    turn.spend(Turn.systemCall + count)
    return count > 0
  }

  /// Reads more of a request's content, for which the client has as long as its pace leaves it.
  @inline(never)
  func fillContent(_ workspace: Workspace) async throws(IOError) -> Bool {
    let (ticker, rule) = (control.context.ticker, control.context.pace)
    control.beginContent(until: workspace.pace.wait(at: ticker.now, rule))
    guard try await fill(workspace) else { return false }
    workspace.pace.move(workspace.input.count, at: ticker.now, rule)
    control.end(.content)
    return true
  }

  /// Reads as ``fill(_:)`` does, and waits even in a task that has been cancelled: whoever would end that closes the stream.
  @inline(never)
  func fillOrClosed(_ workspace: Workspace) async throws(IOError) -> Bool {
    if let count = try tryFill(workspace) { return count > 0 }
    try await stream.waitUntilReadableOrClosed()
    if let count = try tryFill(workspace) { return count > 0 }
    // It was woken in vain, or has no plain reads.
    return try await fill(workspace)
  }

  /// Writes what can be written of the workspace's output without waiting.
  ///
  /// - Returns: whether that was all of it.
  @inline(__always)
  func tryFlush(_ workspace: Workspace) throws(IOError) -> Bool {
    if !workspace.output.isEmpty {
      // The workspace is ours until this returns, so the bytes stay where they are.
      workspace.output.consume(try stream.tryWrite(workspace.output.taken.span.bytes))
      guard workspace.output.isEmpty else { return false }
    }
    workspace.noteWritten()
    return true
  }

  /// Writes all output of the workspace.
  @inline(never)
  func flush(_ workspace: Workspace) async throws(IOError) {
    if turn.isOver { await turn.give() }
    turn.spend(Turn.systemCall + workspace.output.count)
    try await control.write(&workspace.output, to: stream)
    turn.pause()
    workspace.noteWritten()
  }

  /// Writes all output and then `content`: what there is room for at once, and the rest in steps that a peer which is not
  /// stuck takes in time.
  @inline(never)
  func flush(_ workspace: Workspace, followedBy content: [UInt8]) async throws(IOError) {
    var start = 0
    while start < content.count {
      if turn.isOver { await turn.give() }
      let end = min(start + control.writeStep, content.count)
      control.begin(.output)
      // The workspace is ours until this returns, so the bytes stay where they are.
      try await stream.write(workspace.output.taken.span.bytes, content.span.extracting(start..<end).bytes)
      control.end(.output)
      turn.pause()
      workspace.output.removeAll()
      workspace.noteWritten()
      start = end
      if start == content.count { return }
      let rest = start..<min(start + WriteSizes.piece, content.count)
      start += try stream.tryWrite(content.span.extracting(rest).bytes)
      turn.spend(Turn.systemCall + rest.count)
    }
  }

  /// Sends `content` as the encoder frames it. Small content may stay in the output; large content leaves with it.
  func send(_ content: [UInt8], _ workspace: Workspace) async throws {
    if try workspace.append(content) { return }
    try workspace.encoder.beginContent(content.count, into: &workspace.output)
    try await flush(workspace, followedBy: content)
    if let trace = workspace.trace, workspace.encoder.sendsContent { trace.sentLength += content.count }
    workspace.encoder.endContent(into: &workspace.output)
  }
}
