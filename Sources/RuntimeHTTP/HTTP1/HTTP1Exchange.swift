import Runtime
import RuntimePrimitives
import Synchronization

/// The handler's access to a request and its response, for a handler that may wait: reading the request's content,
/// sending informational responses, and writing the content of a streamed response.
///
/// Handlers may pass these to other tasks, so a flag guards reading and another guards writing: concurrent use, and use
/// after the exchange has ended, is an error and never a race.
final class HTTP1Exchange<Stream: ByteStream>:
  RequestExchange, @unchecked Sendable  // `flags` guards the mutable state.
{
  private static var reading: UInt8 { 1 }
  private static var writing: UInt8 { 2 }
  private static var ended: UInt8 { 4 }
  /// The flag that the handler has begun to read the content.
  private static var hasRead: UInt8 { 8 }

  /// The head of a response that has not been sent.
  struct Head: Sendable {
    var status: Status
    var fields: HeaderFields
    var contentLength: Int?
  }

  let traits: ResponseEncoder.RequestTraits
  private let channel: HTTP1Channel<Stream>
  private let workspace: Workspace
  private let context: ConnectionContext
  private let keepAlive: Bool
  /// The number of bytes of content that were still to come when the exchange began; `nil` if it was unknown.
  private let unreadLength: Int?
  private let flags = Atomic<UInt8>(0)
  /// Whether the client waits for a 100 (Continue). Either side may check it; reading clears it.
  private let awaitsContinue: Atomic<Bool>
  private let broken = Atomic<Bool>(false)
  private let receivedTrailers = Lock(HeaderFields())
  /// The part of the memory budget for content that the handler has collected.
  private let collected = Lock(MemoryBudget.Part())

  /// The head to send before the first content; guarded by the writing flag.
  private var pendingHead: Head?
  /// Whether encoding the response has begun; guarded by the writing flag.
  private(set) var hasBegun = false

  init(
    _ channel: HTTP1Channel<Stream>, _ workspace: Workspace, _ context: ConnectionContext
  ) {
    self.channel = channel
    self.workspace = workspace
    self.context = context
    traits = workspace.traits
    keepAlive = workspace.decoder.framing.keepAlive
    unreadLength = workspace.decoder.isComplete ? 0 : workspace.decoder.remainingLength
    awaitsContinue = Atomic(workspace.decoder.framing.expectsContinue)
    workspace.pace = Pace()
  }

  deinit { collected.withLock { $0.set(to: 0, in: context.memory) } }

  /// Whether the connection can persist after this exchange, once the request's content has been read, as far as is
  /// known.
  var mayPersist: Bool {
    // A client that still waits for a 100 may or may not send its content after another status, so content could not be
    // told from the next request (RFC 9110 section 10.1.1).
    keepAlive && !context.isClosing && !channel.control.hasExpired
      && !isBroken && !awaitsContinue.load(ordering: .acquiring)
  }

  /// Whether the request's framing is invalid, or the connection has failed.
  var isBroken: Bool { broken.load(ordering: .acquiring) }

  /// Ends the exchange: reading and writing now throw.
  ///
  /// - Returns: Whether no task is reading or writing. If one is, the workspace must not be used any more.
  func end() -> Bool {
    let old = flags.bitwiseOr(Self.ended, ordering: .acquiringAndReleasing).oldValue
    return old & (Self.reading | Self.writing) == 0
  }

  /// Marks `side` as in use. Throws if it is already, or if the exchange has ended.
  private func acquire(_ side: UInt8) throws(BodyError) {
    var seen = flags.load(ordering: .relaxed)
    while true {
      if seen & Self.ended != 0 { throw .ended }
      if seen & side != 0 { throw .busy }
      let (exchanged, original) = flags.weakCompareExchange(
        expected: seen, desired: seen | side, ordering: .acquiringAndReleasing)
      if exchanged { return }
      seen = original
    }
  }

  /// Marks `side` as free again.
  private func release(_ side: UInt8) { flags.bitwiseAnd(~side, ordering: .releasing) }

  // MARK: Informational responses

  override func sendInformational(_ status: Status, _ headers: HeaderFields) async throws {
    try acquire(Self.writing)
    defer { release(Self.writing) }
    guard !hasBegun else { throw BodyError.ended }
    guard traits.version >= .http1_1 else { return }
    workspace.encoder.appendInformational(status, headers, into: &workspace.output)
    do { try await channel.flush(workspace) } catch { throw recordFailure(error) }
  }
}

// MARK: - The request's content

extension HTTP1Exchange: RequestBodySource {
  var trailers: HeaderFields { receivedTrailers.withLock { $0 } }

  func next() async throws -> [UInt8]? {
    try acquire(Self.reading)
    // Relaxed: the flag is a hint, and orders nothing.
    flags.bitwiseOr(Self.hasRead, ordering: .relaxed)
    defer { release(Self.reading) }
    do {
      return try await nextChunk()
    } catch let error as IOError {
      // Cancellation of the reading task has consumed nothing from the stream. Any other error means that the stream
      // has failed.
      if error.reason == .cancelled, !channel.control.hasExpired { throw error }
      broken.store(true, ordering: .releasing)
      throw error.reason == .cancelled ? HTTPError(.requestTimeout) : BodyError.disconnected
    } catch {
      broken.store(true, ordering: .releasing)
      if let error = error as? WireError { throw HTTPError(error) }
      throw error
    }
  }

  func noteCollected(_ count: Int) throws(HTTPError) {
    collected.withLock { $0.set(to: count, in: context.memory) }
    if context.memory.pressure == .full { throw .shortOfMemory }
  }

  private func nextChunk() async throws -> [UInt8]? {
    while true {
      let (content, isComplete) = try workspace.decodeContent()
      if isComplete || !content.isEmpty { awaitsContinue.store(false, ordering: .releasing) }
      if !content.isEmpty { return content }
      if isComplete {
        if !workspace.decoder.trailers.isEmpty {
          receivedTrailers.withLock { $0 = workspace.decoder.trailers }
        }
        return nil
      }
      try await sendContinue()
      guard try await channel.fillContent(workspace) else { throw BodyError.disconnected }
    }
  }

  /// Sends a 100 (Continue) if the client waits for one, unless the response has begun.
  private func sendContinue() async throws {
    guard awaitsContinue.load(ordering: .relaxed) else { return }
    do { try acquire(Self.writing) } catch { return }
    defer { release(Self.writing) }
    awaitsContinue.store(false, ordering: .releasing)
    guard !hasBegun else { return }
    workspace.encoder.appendInformational(.continue, [:], into: &workspace.output)
    try await channel.flush(workspace)
  }
}

// MARK: - The response's content

extension HTTP1Exchange: BodySink {
  /// Prepares for a streamed response.
  func prepare(_ head: Head) { pendingHead = head }

  func write(_ bytes: [UInt8]) async throws {
    try acquire(Self.writing)
    defer { release(Self.writing) }
    guard !bytes.isEmpty else { return }
    encodeHeadIfNeeded()
    do {
      try await channel.send(bytes, workspace)
      try await channel.flush(workspace)
    } catch {
      throw recordFailure(error)
    }
  }

  func flush() async throws {
    try acquire(Self.writing)
    defer { release(Self.writing) }
    encodeHeadIfNeeded()
    do { try await channel.flush(workspace) } catch { throw recordFailure(error) }
  }

  func setTrailers(_ trailers: HeaderFields) throws {
    try acquire(Self.writing)
    defer { release(Self.writing) }
    encodeHeadIfNeeded()
    workspace.encoder.trailers = trailers
  }

  /// Encodes the head, unless this has been done.
  func encodeHeadIfNeeded() {
    guard let head = pendingHead.take() else { return }
    hasBegun = true
    // A handler that has begun to read is expected to read on. If it has not, none of the content has been read.
    let hasRead = flags.load(ordering: .relaxed) & Self.hasRead != 0
    let persists = mayPersist && (hasRead || unreadLength ?? .max <= context.limits.drained)
    workspace.encodeHead(head.status, head.fields, contentLength: head.contentLength, traits, persists, context)
  }

  /// Records that the response is incomplete, and returns the error to throw.
  private func recordFailure(_ error: any Error) -> any Error {
    broken.store(true, ordering: .releasing)
    guard let error = error as? IOError else { return error }
    return error.reason == .cancelled && !channel.control.hasExpired ? error : BodyError.disconnected
  }
}

extension Workspace {
  /// The properties of the request that affect the framing of its response.
  @inline(__always)
  var traits: ResponseEncoder.RequestTraits { .init(method: decoder.method, version: decoder.parts.version) }

  /// Encodes the head of a response.
  @inline(__always)
  func encodeHead(
    _ status: Status, _ fields: HeaderFields, contentLength: Int?, _ traits: ResponseEncoder.RequestTraits,
    _ persists: Bool, _ context: ConnectionContext
  ) {
    if let trace { trace.status = status }
    encoder.appendHead(
      status, fields, contentLength: contentLength, for: traits, persisting: persists, serverName: context.serverName,
      second: secondsSince1970(), into: &output)
  }
}
