import Glibc
import Runtime
import RuntimePrimitives

/// One direction of an in-memory connection: a bounded buffer with one writer and one reader.
///
/// A write stores its bytes and waits until at most `capacity` of them are unread. So memory is bounded by the capacity
/// plus one write. With capacity 0 a write completes only when all of it has been read.
final class Pipe: Sendable {
  /// The result of a wait.
  private enum Wake {
    case ready, failed(IOError.Reason)
    /// A write was cancelled, and this number of its last bytes was removed.
    case withdrawn(Int)
  }

  private struct Waiter {
    let id: UInt64
    let continuation: CheckedContinuation<Wake, Never>
  }

  private struct State {
    var bytes: [UInt8] = []
    /// The index of the first unread byte of `bytes`. Removing bytes from the front on every read would be quadratic.
    var start = 0
    var readerIsClosed = false
    var writerIsClosed = false
    var writerHasFinished = false
    var reader: Waiter?
    var writer: Waiter?
    var nextID: UInt64 = 0

    var count: Int { bytes.count - start }

    mutating func takeFirst(_ n: Int) {
      start += n
      if start == bytes.count {
        bytes.removeAll(keepingCapacity: true)
        start = 0
      } else if start > bytes.count / 2 {
        bytes.removeFirst(start)
        start = 0
      }
    }

    /// Removes the bytes of a pending write beyond `capacity`.
    ///
    /// - Returns: the number of removed bytes.
    @discardableResult
    mutating func withdraw(beyond capacity: Int) -> Int {
      let excess = max(0, count - capacity)
      bytes.removeLast(excess)
      return excess
    }
  }

  private let capacity: Int
  private let state = Lock(State())

  init(capacity: Int) { self.capacity = capacity }

  /// Returns how many of `count` bytes a read may see: never more than the capacity of a bounded pipe.
  private func visible(_ count: Int) -> Int { capacity == 0 ? count : min(count, capacity) }
}

// MARK: - The reader's side

extension Pipe {
  private enum Attempt { case done(Int), failed(IOError.Reason), wait }

  func waitUntilReadable() async throws(IOError) {
    while true {
      let attempt = state.withLock { state in readiness(of: state) }
      if try await finished(attempt) != nil { return }
    }
  }

  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    while true {
      let attempt = take(into: &buffer)
      if let count = try await finished(attempt) { return count }
    }
  }

  func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int? {
    switch take(into: &buffer) {
    case .done(let count): return count
    case .failed(let reason): throw IOError(.read, reason)
    case .wait: return nil
    }
  }

  /// Returns the byte count of a completed read, or `nil` after a wait, when the read should be retried.
  private func finished(_ attempt: Attempt) async throws(IOError) -> Int? {
    switch attempt {
    case .done(let count): return count
    case .failed(let reason): throw IOError(.read, reason)
    case .wait:
      if case .failed(let reason) = await wait(for: .read) { throw IOError(.read, reason) }
      return nil
    }
  }

  private func readiness(of state: State) -> Attempt {
    if state.readerIsClosed { return .failed(.closed) }
    if state.reader != nil { return .failed(.busy) }
    if state.count > 0 { return .done(visible(state.count)) }
    return state.writerHasFinished ? .done(0) : .wait
  }

  private func take(into buffer: inout OutputRawSpan) -> Attempt {
    let (attempt, writer) = state.withLock { state -> (Attempt, Waiter?) in
      let readiness = readiness(of: state)
      if buffer.freeCapacity == 0, !state.readerIsClosed { return (.done(0), nil) }
      guard case .done(let available) = readiness else { return (readiness, nil) }
      let count = min(available, buffer.freeCapacity)
      buffer.append(copying: state.bytes.span.bytes.extracting(state.start..<state.start + count))
      state.takeFirst(count)
      return (.done(count), state.count <= capacity ? state.writer.take() : nil)
    }
    writer?.continuation.resume(returning: .ready)
    return attempt
  }

  /// Whether the reader has closed its end.
  var isReaderClosed: Bool { state.withLock(\.readerIsClosed) }

  /// Whether a read would return bytes at once.
  var hasBytes: Bool { state.withLock { $0.count > 0 } }

  /// Whether the writer has finished writing.
  var isFinished: Bool { state.withLock(\.writerHasFinished) }

  func closeReader() {
    let (reader, writer) = state.withLock { state in
      state.readerIsClosed = true
      state.takeFirst(state.count)
      return (state.reader.take(), state.writer.take())
    }
    reader?.continuation.resume(returning: .failed(.closed))
    writer?.continuation.resume(returning: .failed(.system(EPIPE)))
  }
}

// MARK: - The writer's side

extension Pipe {
  func write(_ first: RawSpan, _ second: RawSpan = RawSpan()) async throws(IOError) {
    let length = first.byteCount + second.byteCount
    guard try await writeSome(first, second) == length else { throw IOError(.write, .cancelled) }
  }

  /// Writes all bytes, or some if it is cancelled during the wait.
  func writeSome(_ first: RawSpan, _ second: RawSpan = RawSpan()) async throws(IOError) -> Int {
    let (attempt, reader) = store(first, second)
    reader?.continuation.resume(returning: .ready)
    switch attempt {
    case .done(let count): return count
    case .failed(let reason): throw IOError(.write, reason)
    case .wait:
      let length = first.byteCount + second.byteCount
      switch await wait(for: .write) {
      case .ready: return length
      case .failed(let reason): throw IOError(.write, reason)
      case .withdrawn(length): throw IOError(.write, .cancelled)
      case .withdrawn(let count): return length - count
      }
    }
  }

  func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int {
    let room = state.withLock { max(0, capacity - $0.count) }
    let (attempt, reader) = store(bytes.extracting(first: room), RawSpan())
    reader?.continuation.resume(returning: .ready)
    switch attempt {
    case .done(let count): return count
    case .failed(let reason): throw IOError(.write, reason)
    case .wait: return 0
    }
  }

  private func store(_ first: RawSpan, _ second: RawSpan) -> (Attempt, Waiter?) {
    state.withLock { state in
      if state.writerIsClosed { return (.failed(.closed), nil) }
      if state.writer != nil { return (.failed(.busy), nil) }
      if state.writerHasFinished || state.readerIsClosed { return (.failed(.system(EPIPE)), nil) }
      let length = first.byteCount + second.byteCount
      if length == 0 { return (.done(0), nil) }
      first.withUnsafeBytes { state.bytes.append(contentsOf: $0) }
      second.withUnsafeBytes { state.bytes.append(contentsOf: $0) }
      return (state.count <= capacity ? .done(length) : .wait, state.reader.take())
    }
  }

  /// Finishes writing. With `closing` it closes the writer's end too.
  func finishWriting(closing: Bool) throws(IOError) {
    let (failure, reader, writer) = state.withLock { state -> (IOError.Reason?, Waiter?, Waiter?) in
      if state.writerIsClosed { return (closing ? nil : .closed, nil, nil) }
      if state.writer != nil { state.withdraw(beyond: capacity) }
      state.writerHasFinished = true
      state.writerIsClosed = closing
      return (nil, state.reader.take(), state.writer.take())
    }
    reader?.continuation.resume(returning: .ready)
    writer?.continuation.resume(returning: .failed(closing ? .closed : .system(EPIPE)))
    if let failure { throw IOError(.shutdown, failure) }
  }

  func closeWriter() { try? finishWriting(closing: true) }
}

// MARK: - Waiting

extension Pipe {
  private enum Side { case read, write }

  private func wait(for side: Side) async -> Wake {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if let wake = register(Waiter(id: id, continuation: continuation), side) {
          continuation.resume(returning: wake)
        }
      }
    } onCancel: {
      cancel(id)
    }
  }

  /// Stores the waiter, unless its condition already holds.
  private func register(_ waiter: Waiter, _ side: Side) -> Wake? {
    state.withLock { state in
      switch side {
      case .read:
        guard case .wait = readiness(of: state) else { return .ready }
        // Cancellation sets the flag before it calls the handler. So either this check sees the flag or the handler
        // finds the waiter.
        if Task.isCancelled { return .failed(.cancelled) }
        state.reader = waiter
      case .write:
        if state.writerIsClosed { return .failed(.closed) }
        if state.readerIsClosed || state.writerHasFinished { return .failed(.system(EPIPE)) }
        if state.count <= capacity { return .ready }
        if Task.isCancelled { return .withdrawn(state.withdraw(beyond: capacity)) }
        state.writer = waiter
      }
      return nil
    }
  }

  private func cancel(_ id: UInt64) {
    let (waiter, wake) = state.withLock { state -> (Waiter?, Wake) in
      if state.reader?.id == id { return (state.reader.take(), .failed(.cancelled)) }
      guard state.writer?.id == id else { return (nil, .ready) }
      return (state.writer.take(), .withdrawn(state.withdraw(beyond: capacity)))
    }
    waiter?.continuation.resume(returning: wake)
  }
}
