import Runtime
import RuntimePrimitives
import Synchronization

/// A connection that supervises its own waits, because it has many at once.
protocol ConnectionWatcher: AnyObject, Sendable {
  /// Ends the waits that have taken too long at tick `now`.
  func tick(_ now: UInt64)
  /// Starts to close the connection gracefully.
  func beginClosing()
  /// Sends a final response to requests that have none, and cancels their handlers, because the grace period is over.
  func cancelRequests()
  /// Ends the connection, because its task has been cancelled.
  func taskWasCancelled()
}

/// Records what a connection waits for and until when, for the sweeper, which ends waits that take too long, and for
/// the server, which shuts connections down.
///
/// The connection stores each wait here as it begins, without reading a clock. Code that ends a wait from outside first
/// changes that word and then cancels the connection's task, so that the connection finds the reason here when its read
/// or write fails with `cancelled`.
final class ConnectionControl: Sendable {
  /// The kinds of waits of a connection.
  enum Wait: UInt64 {
    /// For the first byte of the next request.
    case idle = 1
    /// For the rest of a head.
    case head = 2
    /// For more content.
    case content = 3
    /// For the peer to receive output.
    case output = 4
    /// For the peer to close its side after the last response.
    case close = 5
    /// For the preparation of the connection, such as a handshake.
    case preparation = 6
  }

  /// A wait and the tick at which it expires, packed into one atomic word.
  private struct Word {
    static let none: UInt64 = 0
    static let ended: UInt64 = 7

    /// The lowest three bits hold the kind, the others the tick.
    static func pack(_ kind: UInt64, until tick: UInt64) -> UInt64 { tick << 3 | kind }
    static func kind(_ word: UInt64) -> UInt64 { word & 7 }
    static func tick(_ word: UInt64) -> UInt64 { word >> 3 }
  }

  /// An idle wait that has begun.
  struct IdleToken { fileprivate let word: UInt64 }

  let context: ConnectionContext
  private let reading = Atomic<UInt64>(Word.none)
  private let writing = Atomic<UInt64>(Word.none)
  private let isUnwatched = Atomic(false)
  /// The tick from which on the handler has had its request for at least one whole tick, shifted left by one; the
  /// lowest bit says whether the handler writes content. 0 if no handler is running.
  private let handling = Atomic<UInt64>(0)
  private let disconnected = Atomic(false)

  private enum TaskHandle {
    case none
    case task(Task<Void, any Error>)
    case cancelledBefore
  }

  /// The means of ending the connection.
  private struct Handles {
    var stream: any ByteStream
    var task = TaskHandle.none
  }

  private let handles: Lock<Handles>
  private let watcher = Lock<(any ConnectionWatcher)?>(nil)

  /// The number of requests so far, and of those being answered. Only the connection writes them, one of its tasks at a
  /// time.
  private let requests = Atomic<Int>(0)
  private let inFlight = Atomic<Int>(0)

  /// - Parameter stream: The connection's stream, which is closed where cancelling the task is not enough.
  init(_ context: ConnectionContext, _ stream: any ByteStream) {
    self.context = context
    handles = Lock(Handles(stream: stream))
  }

  // MARK: For the connection

  /// Begins an idle wait. The first one of a connection lasts no longer than a head may take.
  func beginIdleWait(isFirst: Bool) -> IdleToken {
    let ticks = isFirst ? context.headTicks : context.idleTicks
    let word = Word.pack(Wait.idle.rawValue, until: context.ticker.deadline(after: ticks))
    // Sequentially consistent, like the server's flag and `closeIfIdle`: either the server sees that the connection is
    // idle, or the connection, which reads the flag next, sees that the server is closing.
    reading.store(word, ordering: .sequentiallyConsistent)
    return IdleToken(word: word)
  }

  /// Replaces an idle wait by a wait for the rest of the head.
  ///
  /// - Returns: Whether the idle wait was still in force. If not, the server or the sweeper has ended it.
  func beginHeadWait(after idle: IdleToken) -> Bool {
    let word = Word.pack(Wait.head.rawValue, until: context.ticker.deadline(after: context.headTicks))
    return reading.compareExchange(expected: idle.word, desired: word, ordering: .acquiringAndReleasing).exchanged
  }

  /// Begins the wait for the preparation, which may take as long as a head.
  func beginPreparation() {
    // Sequentially consistent, as in `beginIdleWait`.
    reading.store(word(for: .preparation), ordering: .sequentiallyConsistent)
  }

  /// Ends the wait for the preparation. From now on `stream` is the one that is closed to end the connection.
  func endPreparation(_ stream: any ByteStream) {
    handles.withLock { $0.stream = stream }
    endWait(.preparation)
  }

  /// Begins the wait for the peer to close its side. The connection ignores cancellation during this wait.
  ///
  /// - Returns: Whether the sweeper is still running and will end the wait.
  func beginCloseWait() -> Bool {
    let word = word(for: .close)
    // Sequentially consistent, like `stopWatching`, so that at least one of the two sees the other.
    reading.store(word, ordering: .sequentiallyConsistent)
    return !isUnwatched.load(ordering: .sequentiallyConsistent)
  }

  /// Returns a wait that begins now, with the tick at which it expires.
  private func word(for wait: Wait) -> UInt64 {
    let ticks =
      switch wait {
      case .idle: context.idleTicks
      case .head, .preparation: context.headTicks
      case .content, .output: context.stallTicks
      case .close: context.closeTicks
      }
    return Word.pack(wait.rawValue, until: context.ticker.deadline(after: ticks))
  }

  /// Begins a wait.
  func beginWait(_ wait: Wait) {
    let word = word(for: wait)
    // Relaxed: the word is complete in itself, and a sweeper that sees it late ends the wait late, never early.
    if wait == .output { writing.store(word, ordering: .relaxed) } else { reading.store(word, ordering: .relaxed) }
  }

  /// Begins a wait for content that expires at tick `deadline`.
  func beginContentWait(until deadline: UInt64) {
    // Relaxed, as in `beginWait`.
    reading.store(Word.pack(Wait.content.rawValue, until: deadline), ordering: .relaxed)
  }

  /// Ends a wait that succeeded. If the sweeper was faster, it has cancelled the task, and the next wait will notice.
  func endWait(_ wait: Wait) {
    if wait == .output {
      writing.store(Word.none, ordering: .relaxed)
    } else {
      reading.store(Word.none, ordering: .relaxed)
    }
  }

  /// Whether the sweeper has ended a read or write of the connection because it took too long.
  var hasExpired: Bool {
    Word.kind(reading.load(ordering: .acquiring)) == Word.ended
      || Word.kind(writing.load(ordering: .acquiring)) == Word.ended
  }

  func beginRequest() {
    // Relaxed, and without an atomic addition: there is no other writer, and readers only want a figure.
    requests.store(requests.load(ordering: .relaxed) + 1, ordering: .relaxed)
    inFlight.store(inFlight.load(ordering: .relaxed) + 1, ordering: .relaxed)
  }

  func endRequest() { inFlight.store(inFlight.load(ordering: .relaxed) - 1, ordering: .relaxed) }

  /// Begins to check, at every tick, whether the client is still there while a handler computes its response.
  func beginHandling() { handling.store(context.ticker.deadline(after: 1) << 1, ordering: .relaxed) }

  /// Begins to check, at every tick, whether the client is still there while a handler writes content. A client that
  /// has finished writing may still be reading.
  func beginProducing() { handling.store(context.ticker.deadline(after: 1) << 1 | 1, ordering: .relaxed) }

  func endHandling() { handling.store(0, ordering: .relaxed) }

  /// Whether the client disconnected while a handler had its request. The task has then been cancelled.
  var clientHasDisconnected: Bool { disconnected.load(ordering: .acquiring) }

  /// Sets the watcher that supervises the waits which are not recorded here.
  func setWatcher(_ watcher: (any ConnectionWatcher)?) { self.watcher.withLock { $0 = watcher } }

  /// Tells the watcher that the connection's task has been cancelled.
  func taskWasCancelled() { watcher.withLock(\.self)?.taskWasCancelled() }

  // MARK: For the sweeper and the server

  /// Sets the connection's task, and cancels it immediately if this was requested earlier.
  func attach(_ task: Task<Void, any Error>) {
    let isTooLate = handles.withLock { handles in
      if case .cancelledBefore = handles.task { return true }
      handles.task = .task(task)
      return false
    }
    if isTooLate { task.cancel() }
  }

  var requestCount: Int { requests.load(ordering: .relaxed) }

  var requestsInFlight: Int { inFlight.load(ordering: .relaxed) }

  /// Ends the waits that have taken too long at tick `now`.
  ///
  /// - Returns: Whether a wait has been ended.
  @discardableResult
  func sweep(at now: UInt64) -> Bool {
    let readingEnded = Self.expire(reading, at: now, patience: context.stallTicks)
    let writingEnded = Self.expire(writing, at: now, patience: context.stallTicks)
    switch (readingEnded, writingEnded) {
    case (.alive, .alive):
      watcher.withLock(\.self)?.tick(now)
      guard clientIsGone(at: now) else { return false }
      disconnected.store(true, ordering: .releasing)
      cancel()
    case (.endsByClosing, _): stream.closeOrderly()
    case (.stuck, _), (_, .stuck): stream.close()
    default: cancel()
    }
    return true
  }

  /// Whether the client has disconnected and its handler has had the request for at least one whole tick.
  private func clientIsGone(at now: UInt64) -> Bool {
    // Relaxed: the word is complete in itself, and a late read notices a disconnected client one tick later.
    let word = handling.load(ordering: .relaxed)
    guard word != 0, word >> 1 <= now, !clientHasDisconnected else { return false }
    return switch stream.attribute(PeerPresence.self) {
    case PeerPresence.gone?: true
    case PeerPresence.finished?:
      word & 1 == 0 ? !context.options.servesHalfClosedClients : context.options.endsStreamsToHalfClosedClients
    default: false
    }
  }

  /// Whether the stream knows of input that has not been read.
  ///
  /// Out of line, so that its locals do not enlarge the frame of an idle connection.
  @inline(never)
  var hasPendingInput: Bool { stream.attribute(PendingInput.self)?.isThere ?? false }

  /// Starts to close a connection that supervises its own waits.
  func beginClosing() { watcher.withLock(\.self)?.beginClosing() }

  /// Closes the connection if it is waiting for the first byte of a request, or is being prepared.
  func closeIfIdle() {
    let word = reading.load(ordering: .sequentiallyConsistent)
    let isPrepared = Word.kind(word) != Wait.preparation.rawValue
    guard Word.kind(word) == Wait.idle.rawValue || !isPrepared else { return }
    // The connection reads the input, sees that the server is closing, and ends after the response.
    if isPrepared, hasPendingInput { return }
    let closed = Word.pack(Word.ended, until: Word.tick(.max))
    let isIdle = reading.compareExchange(expected: word, desired: closed, ordering: .sequentiallyConsistent).exchanged
    guard isIdle else { return }
    // A preparation may be waiting for something other than the stream, so closing the stream is not enough.
    if isPrepared { stream.closeOrderly() } else { abort() }
  }

  /// Records that the sweeper has stopped, starts to close the connection, and ends those waits that ignore
  /// cancellation.
  func stopWatching() {
    isUnwatched.store(true, ordering: .sequentiallyConsistent)
    beginClosing()
    closeIfIdle()
    let word = reading.load(ordering: .sequentiallyConsistent)
    if Word.kind(word) == Wait.close.rawValue { stream.close() }
  }

  /// Cancels the handlers of the requests that are being answered. Those that respond to cancellation send a final
  /// response.
  func cancelRequests() {
    if let watcher = watcher.withLock(\.self) { watcher.cancelRequests() } else { cancel() }
  }

  /// Ends the connection immediately.
  func abort() {
    cancel()
    stream.close()
  }

  private func cancel() {
    let task = handles.withLock { handles -> Task<Void, any Error>? in
      if case .task(let task) = handles.task { return task }
      handles.task = .cancelledBefore
      return nil
    }
    task?.cancel()
  }

  private var stream: any ByteStream { handles.withLock(\.stream) }

  /// Returns an attribute of the connection's stream.
  func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? { stream.attribute(type) }

  private enum Expiry {
    case alive
    /// The wait has just been ended.
    case ended
    /// The wait has just been ended, and it is a kind that is ended by closing the stream.
    case endsByClosing
    /// The wait was ended earlier and the connection is still open, so the wait is not in the connection's own task.
    case stuck
  }

  private static func expire(_ word: borrowing Atomic<UInt64>, at now: UInt64, patience: UInt64) -> Expiry {
    let value = word.load(ordering: .relaxed)
    guard value != Word.none, Word.tick(value) <= now else { return .alive }
    let ended = Word.pack(Word.ended, until: now + patience)
    // If the connection has moved on in the meantime, the wait has not taken too long after all.
    guard word.compareExchange(expected: value, desired: ended, ordering: .acquiringAndReleasing).exchanged else {
      return .alive
    }
    return switch Word.kind(value) {
    case Word.ended: .stuck
    case Wait.idle.rawValue, Wait.close.rawValue: .endsByClosing
    default: .ended
    }
  }
}
