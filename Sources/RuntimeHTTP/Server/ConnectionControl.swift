import Runtime
import RuntimePrimitives
import Synchronization

/// A connection that looks after its own waits, since it has many at once.
protocol ConnectionWatcher: AnyObject, Sendable {
  /// Ends what has taken too long at `now`.
  func tick(_ now: UInt64)
  /// Begins to end the connection gracefully.
  func beginClosing()
  /// Gives a final answer to requests that have none, and cancels their handlers: there is no more time for them.
  func conclude()
}

/// What a connection waits for and until when, for those who watch over it: the sweeper that ends what takes too long,
/// and the server that shuts down.
///
/// The connection writes here what it begins to wait for, which costs a store and no look at a clock. Whoever ends the
/// wait changes that word first and then cancels the connection's task, so that the connection, when its read or write
/// ends with `cancelled`, finds the reason here.
final class ConnectionControl: Sendable {
  /// What a connection can wait for.
  enum Wait: UInt64 {
    /// The next request, none of which has come.
    case idle = 1
    /// The rest of a head.
    case head = 2
    /// More content.
    case content = 3
    /// The peer to take what is written.
    case output = 4
    /// The peer to see that the connection is at its end.
    case farewell = 5
    /// The preparation of the connection to end: a handshake.
    case preparation = 6
  }

  /// A wait and the tick at which it has been too long, as they lie in one atomic word.
  private struct Word {
    static let none: UInt64 = 0
    static let ended: UInt64 = 7

    /// The lowest three bits say which wait it is, the others when it ends.
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
  /// The tick from which on a handler has had a whole one for a request, and in the lowest bit whether it writes content;
  /// 0 where no handler is at it.
  private let handling = Atomic<UInt64>(0)
  private let hasDeparted = Atomic(false)

  private enum Handle {
    case none
    case task(Task<Void, any Error>)
    case cancelledBefore
  }

  /// What the connection is ended by.
  private struct Ends {
    var stream: any ByteStream
    var handle = Handle.none
  }

  private let ends: Lock<Ends>
  private let watcher = Lock<(any ConnectionWatcher)?>(nil)

  /// How many requests there have been, and how many are being answered. Only the connection writes them, one of its
  /// tasks at a time.
  private let requests = Atomic<Int>(0)
  private let inFlight = Atomic<Int>(0)

  /// - Parameter stream: the connection's, to be closed where cancelling its task would not do.
  init(_ context: ConnectionContext, _ stream: any ByteStream) {
    self.context = context
    ends = Lock(Ends(stream: stream))
  }

  // MARK: For the connection

  /// Begins to wait for a request; the first has no longer than a head may take.
  func beginIdle(isFirst: Bool) -> IdleToken {
    let ticks = isFirst ? context.headTicks : context.idleTicks
    let word = Word.pack(Wait.idle.rawValue, until: context.ticker.deadline(after: ticks))
    // Sequentially consistent, as are the server's flag and `closeIfIdle`: either the server sees that the connection is
    // idle, or the connection, which looks at the flag next, sees that the server is closing.
    reading.store(word, ordering: .sequentiallyConsistent)
    return IdleToken(word: word)
  }

  /// Goes from waiting for a request to waiting for the rest of its head.
  ///
  /// - Returns: whether nobody has ended the wait before.
  func beginHead(after idle: IdleToken) -> Bool {
    let word = Word.pack(Wait.head.rawValue, until: context.ticker.deadline(after: context.headTicks))
    return reading.compareExchange(expected: idle.word, desired: word, ordering: .acquiringAndReleasing).exchanged
  }

  /// Begins to prepare the connection, which may take no longer than a head.
  func beginPreparation() {
    // Sequentially consistent, as in `beginIdle`.
    reading.store(word(for: .preparation), ordering: .sequentiallyConsistent)
  }

  /// Ends the preparation, and has `stream` closed from now on where the connection is to be closed.
  func endPreparation(_ stream: any ByteStream) {
    ends.withLock { $0.stream = stream }
    end(.preparation)
  }

  /// Begins to wait for the peer to see the end. The connection does not see then that it is cancelled.
  ///
  /// - Returns: whether there is somebody who will end the wait.
  func beginFarewell() -> Bool {
    let word = word(for: .farewell)
    // Sequentially consistent, as is `endWatch`: one of the two sees the other.
    reading.store(word, ordering: .sequentiallyConsistent)
    return !isUnwatched.load(ordering: .sequentiallyConsistent)
  }

  /// A wait that begins now, and when it will have been too long.
  private func word(for wait: Wait) -> UInt64 {
    let ticks =
      switch wait {
      case .idle: context.idleTicks
      case .head, .preparation: context.headTicks
      case .content, .output: context.stallTicks
      case .farewell: context.farewellTicks
      }
    return Word.pack(wait.rawValue, until: context.ticker.deadline(after: ticks))
  }

  /// Begins a wait.
  func begin(_ wait: Wait) {
    let word = word(for: wait)
    // Relaxed: the word says all there is to say, and a sweeper that sees it late ends the wait late, never early.
    if wait == .output { writing.store(word, ordering: .relaxed) } else { reading.store(word, ordering: .relaxed) }
  }

  /// Begins to wait for content until `deadline`, a tick.
  func beginContent(until deadline: UInt64) {
    // Relaxed, as in `begin`.
    reading.store(Word.pack(Wait.content.rawValue, until: deadline), ordering: .relaxed)
  }

  /// Ends a wait that was not in vain. A sweeper that was quicker has cancelled the task, and the next wait will see it.
  func end(_ wait: Wait) {
    if wait == .output {
      writing.store(Word.none, ordering: .relaxed)
    } else {
      reading.store(Word.none, ordering: .relaxed)
    }
  }

  /// Whether the connection's reading, or its writing, has been ended since it took too long.
  var hasExpired: Bool {
    Word.kind(reading.load(ordering: .acquiring)) == Word.ended
      || Word.kind(writing.load(ordering: .acquiring)) == Word.ended
  }

  func beginRequest() {
    // Relaxed and not in one step: nobody else writes it, and who reads it wants a figure and nothing more.
    requests.store(requests.load(ordering: .relaxed) + 1, ordering: .relaxed)
    inFlight.store(inFlight.load(ordering: .relaxed) + 1, ordering: .relaxed)
  }

  func endRequest() { inFlight.store(inFlight.load(ordering: .relaxed) - 1, ordering: .relaxed) }

  /// Begins to look, every tick, whether the client is there still that a handler responds to.
  func beginHandling() { handling.store(context.ticker.deadline(after: 1) << 1, ordering: .relaxed) }

  /// Begins to look, every tick, whether the client is there still for which a handler writes content. One that writes no
  /// more may read it.
  func beginProducing() { handling.store(context.ticker.deadline(after: 1) << 1 | 1, ordering: .relaxed) }

  func endHandling() { handling.store(0, ordering: .relaxed) }

  /// Whether the client has gone while a handler had its request. The task has been cancelled then.
  var clientHasGone: Bool { hasDeparted.load(ordering: .acquiring) }

  /// Has `watcher` look after what the connection waits for, beside what is begun here.
  func watch(_ watcher: (any ConnectionWatcher)?) { self.watcher.withLock { $0 = watcher } }

  // MARK: For those who watch

  /// The connection's task, which is cancelled at once if that was asked for before.
  func attach(_ task: Task<Void, any Error>) {
    let isTooLate = ends.withLock { ends in
      if case .cancelledBefore = ends.handle { return true }
      ends.handle = .task(task)
      return false
    }
    if isTooLate { task.cancel() }
  }

  var requestCount: Int { requests.load(ordering: .relaxed) }

  var requestsInFlight: Int { inFlight.load(ordering: .relaxed) }

  /// Ends what has taken too long at `now`.
  ///
  /// - Returns: whether something has just been ended.
  @discardableResult
  func sweep(at now: UInt64) -> Bool {
    let readingEnded = Self.expire(reading, at: now, patience: context.stallTicks)
    let writingEnded = Self.expire(writing, at: now, patience: context.stallTicks)
    switch (readingEnded, writingEnded) {
    case (.alive, .alive):
      watcher.withLock(\.self)?.tick(now)
      guard isDeparting(at: now) else { return false }
      hasDeparted.store(true, ordering: .releasing)
      cancel()
    case (.endsByClosing, _): stream.closeOrderly()
    case (.stuck, _), (_, .stuck): stream.close()
    default: cancel()
    }
    return true
  }

  /// Whether the client has gone from a handler that has had its request for a whole tick.
  private func isDeparting(at now: UInt64) -> Bool {
    // Relaxed: the word says all there is to say, and a look that comes late finds the client gone a tick later.
    let word = handling.load(ordering: .relaxed)
    guard word != 0, word >> 1 <= now, !clientHasGone else { return false }
    return switch stream.attribute(PeerPresence.self) {
    case PeerPresence.gone?: true
    case PeerPresence.finished?:
      word & 1 == 0 ? !context.options.servesHalfClosedClients : context.options.endsStreamsToHalfClosedClients
    default: false
    }
  }

  /// Whether something has come that has not been read, as far as the stream can tell.
  ///
  /// Out of line, so that the look at the stream has no place in the frame of an idle connection.
  @inline(never)
  var hasPendingInput: Bool { stream.attribute(PendingInput.self)?.isThere ?? false }

  /// Begins to end a connection that looks after its waits itself.
  func beginClosing() { watcher.withLock(\.self)?.beginClosing() }

  /// Closes the connection if it waits for a request of which nothing has come, or is being prepared.
  func closeIfIdle() {
    let word = reading.load(ordering: .sequentiallyConsistent)
    let isPrepared = Word.kind(word) != Wait.preparation.rawValue
    guard Word.kind(word) == Wait.idle.rawValue || !isPrepared else { return }
    // The connection reads what has come, sees that the server is closing, and ends with the answer.
    if isPrepared, hasPendingInput { return }
    let closed = Word.pack(Word.ended, until: Word.tick(.max))
    let isIdle = reading.compareExchange(expected: word, desired: closed, ordering: .sequentiallyConsistent).exchanged
    guard isIdle else { return }
    // A preparation may wait for something other than the stream.
    if isPrepared { stream.closeOrderly() } else { abort() }
  }

  /// Says that nobody looks after the connection's waits any more, and ends those for which it does not see that it is
  /// cancelled.
  func endWatch() {
    isUnwatched.store(true, ordering: .sequentiallyConsistent)
    beginClosing()
    closeIfIdle()
    let word = reading.load(ordering: .sequentiallyConsistent)
    if Word.kind(word) == Wait.farewell.rawValue { stream.close() }
  }

  /// Has requests that are being answered come to an end: their handlers are cancelled, and one that heeds that gives a
  /// final answer.
  func conclude() {
    if let watcher = watcher.withLock(\.self) { watcher.conclude() } else { cancel() }
  }

  /// Ends the connection, whatever it does.
  func abort() {
    cancel()
    stream.close()
  }

  private func cancel() {
    let task = ends.withLock { ends -> Task<Void, any Error>? in
      if case .task(let task) = ends.handle { return task }
      ends.handle = .cancelledBefore
      return nil
    }
    task?.cancel()
  }

  private var stream: any ByteStream { ends.withLock(\.stream) }

  /// What the connection's stream says of itself.
  func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? { stream.attribute(type) }

  private enum Expiry {
    case alive
    /// The wait has just been ended.
    case ended
    /// The same, and it was one that is ended by closing the stream.
    case endsByClosing
    /// The wait was ended a while ago and the connection is still there: whoever waits is in no task of its own.
    case stuck
  }

  private static func expire(_ word: borrowing Atomic<UInt64>, at now: UInt64, patience: UInt64) -> Expiry {
    let value = word.load(ordering: .relaxed)
    guard value != Word.none, Word.tick(value) <= now else { return .alive }
    let ended = Word.pack(Word.ended, until: now + patience)
    // Where the connection has moved on in between, the wait has not been too long after all.
    guard word.compareExchange(expected: value, desired: ended, ordering: .acquiringAndReleasing).exchanged else {
      return .alive
    }
    return switch Word.kind(value) {
    case Word.ended: .stuck
    case Wait.idle.rawValue, Wait.farewell.rawValue: .endsByClosing
    default: .ended
    }
  }
}
