import Runtime

/// The sizes that govern writing, in bytes.
enum WriteSizes {
  /// The size of output from which on it is written even if more requests can be answered first.
  static let outputMark = 64 * 1024
  /// The maximum size of content that is copied after its head. Larger content is written without a copy.
  static let copied = 16 * 1024
  /// The maximum that is written before other tasks get a turn.
  static let piece = 256 * 1024
}

/// A connection's stream, through which all bytes are read and written. Each wait has its timeout.
///
/// It is a class so that it is passed as one word, whatever the type of the stream.
final class HTTP1Channel<Stream: ByteStream>: Sendable {
  let stream: Stream
  let control: ConnectionControl
  /// The work of the connection's task since it last let other tasks run. A socket counts the work between two of its
  /// waits by itself; this counts the work that a pipeline causes between two operations of the stream, and also covers
  /// streams that do not count.
  let turn = Turn()

  init(_ stream: Stream, _ control: ConnectionControl) {
    self.stream = stream
    self.control = control
  }

  /// Waits for the next request. During this wait, a connection is ended by closing it and not by cancellation.
  ///
  /// A function of its own, so that the compiler knows that the caller is still on its executor when it returns.
  @inline(never)
  func waitUntilReadable() async throws(IOError) {
    // The stream itself lets other tasks run if it need not wait many times in a row. Turns that continued from request
    // to request would end for many connections at once, each with its workspace.
    turn.restart()
    try await stream.waitUntilReadableOrClosed()
  }

  /// Reads what is available without waiting into the workspace's input, which must be empty.
  ///
  /// - Returns: The number of bytes; 0 if the peer has finished, and `nil` if nothing is available yet.
  @inline(__always)
  func tryFill(_ workspace: Workspace) throws(IOError) -> Int? {
    try workspace.input.tryFill(from: stream)
  }

  /// Reads into the workspace's input, which must be empty. Waits if nothing is available.
  ///
  /// - Returns: Whether any bytes were read. If not, the peer has finished.
  @inline(never)
  func fill(_ workspace: Workspace) async throws(IOError) -> Bool {
    if turn.isOver { await turn.yieldTurn() }
    turn.pause()
    // This task owns the workspace until the read returns, so the room does not move.
    var room = OutputRawSpan(buffer: workspace.input.room, initializedCount: 0)
    let count = try await stream.read(into: &room)
    workspace.input.commit(count)
    turn.spend(Turn.systemCall + count)
    return count > 0
  }

  /// Reads more of a request's content. The deadline depends on the client's pace.
  @inline(never)
  func fillContent(_ workspace: Workspace) async throws(IOError) -> Bool {
    let (ticker, rule) = (control.context.ticker, control.context.pace)
    control.beginContentWait(until: workspace.pace.beginWait(at: ticker.now, rule))
    guard try await fill(workspace) else { return false }
    workspace.pace.recordProgress(of: workspace.input.count, at: ticker.now, rule)
    control.endWait(.content)
    return true
  }

  /// Reads like ``fill(_:)``, but also waits in a cancelled task. Closing the stream ends the wait.
  @inline(never)
  func fillOrClosed(_ workspace: Workspace) async throws(IOError) -> Bool {
    if let count = try tryFill(workspace) { return count > 0 }
    try await stream.waitUntilReadableOrClosed()
    if let count = try tryFill(workspace) { return count > 0 }
    // The wait ended spuriously, or the stream has no non-waiting reads.
    return try await fill(workspace)
  }

  /// Writes as much of the workspace's output as possible without waiting.
  ///
  /// - Returns: Whether all of it was written.
  @inline(__always)
  func tryFlush(_ workspace: Workspace) throws(IOError) -> Bool {
    if !workspace.output.isEmpty {
      // This task owns the workspace until the write returns, so the bytes do not move.
      workspace.output.consume(try stream.tryWrite(workspace.output.contents.span.bytes))
      guard workspace.output.isEmpty else { return false }
    }
    workspace.notifyWritten()
    return true
  }

  /// Writes all output of the workspace.
  @inline(never)
  func flush(_ workspace: Workspace) async throws(IOError) {
    if turn.isOver { await turn.yieldTurn() }
    turn.spend(Turn.systemCall + workspace.output.count)
    try await control.write(&workspace.output, to: stream)
    turn.pause()
    workspace.notifyWritten()
  }

  /// Writes all output and then `content`, in alternating steps: first as much as a healthy peer receives within the
  /// timeout, then as much as there is room for without waiting.
  @inline(never)
  func flush(_ workspace: Workspace, followedBy content: [UInt8]) async throws(IOError) {
    var start = 0
    while start < content.count {
      if turn.isOver { await turn.yieldTurn() }
      let end = min(start + control.writeStep, content.count)
      control.beginWait(.output)
      // This task owns the workspace until the write returns, so the bytes do not move.
      try await stream.write(workspace.output.contents.span.bytes, content.span.extracting(start..<end).bytes)
      control.endWait(.output)
      turn.pause()
      workspace.output.removeAll()
      workspace.notifyWritten()
      start = end
      if start == content.count { return }
      let rest = start..<min(start + WriteSizes.piece, content.count)
      start += try stream.tryWrite(content.span.extracting(rest).bytes)
      turn.spend(Turn.systemCall + rest.count)
    }
  }

  /// Sends `content` with its framing. Small content may stay in the output; large content is written immediately.
  func send(_ content: [UInt8], _ workspace: Workspace) async throws {
    if try workspace.append(content) { return }
    try workspace.encoder.beginContent(content.count, into: &workspace.output)
    try await flush(workspace, followedBy: content)
    if let trace = workspace.trace, workspace.encoder.sendsContent { trace.sentLength += content.count }
    workspace.encoder.endContent(into: &workspace.output)
  }
}
