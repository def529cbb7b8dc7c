import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting

/// A stream that forwards to another, and breaks one promise.
struct BrokenStream<Base: ByteStream>: ByteStream {
  private let base: Base
  private let flaw: Flaw?
  private let memory = Memory()

  init(_ base: Base, _ flaw: Flaw?) {
    self.base = base
    self.flaw = flaw
  }

  func waitUntilReadable() async throws(IOError) {
    if flaw == .readsOnlyWhenWaitedOn { memory.restart() }
    if flaw == .takesAByteToSeeWhetherThereIsOne, !memory.set() { _ = try await base.read(upTo: 1) }
    try await base.waitUntilReadable()
  }

  func waitUntilReadableOrClosed() async throws(IOError) { try await base.waitUntilReadableOrClosed() }

  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    switch flaw {
    case .endsEarly where memory.next() % 10 == 0: return 0
    case .overwritesTheBuffer: buffer.removeAll()
    case .waitsWithoutRoom where buffer.freeCapacity == 0: try await base.waitUntilReadable()
    case .ignoresACancelledRead:
      while true {
        if let count = try base.tryRead(into: &buffer) { return count }
        try await deaf { () async throws(IOError) in try await base.waitUntilReadable() }
      }
    case .losesBytesOfACancelledRead, .losesBytesOfFewCancelledReads:
      let count = try await base.read(into: &buffer)
      guard Task.isCancelled, flaw == .losesBytesOfACancelledRead || memory.next() % 1000 == 0 else { return count }
      buffer.removeLast(count)
      throw IOError(.read, .cancelled)
    case .failsBecauseItIsCancelled where Task.isCancelled: throw IOError(.read, .cancelled)
    default: break
    }
    do throws(IOError) {
      return try await base.read(into: &buffer)
    } catch {
      switch (flaw, error.reason) {
      case (.endsWhenClosed, .closed), (.takesAResetForTheEnd, .system(ECONNRESET)): return 0
      case (.queuesReaders, .busy):
        try? await Task.sleep(for: .milliseconds(1))
        return try await read(into: &buffer)
      default: throw error
      }
    }
  }

  func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int? {
    // As if no event, or only a wait, began a new turn.
    if flaw == .givesNoTurn || flaw == .readsOnlyWhenWaitedOn, memory.next() > 32 { return nil }
    let count = try base.tryRead(into: &buffer)
    return flaw == .takesNothingForTheEnd ? count ?? 0 : count
  }

  func write(_ bytes: RawSpan) async throws(IOError) {
    switch flaw {
    case .dropsBytes where memory.next() % 100 == 0: try await base.write(bytes.extracting(droppingLast: 1))
    case .takesAllThatIsWritten:
      let copy = bytes.withUnsafeBytes { Array($0) }
      Task.detached { try await base.write(copy) }
    case .writesIntoNothing: try? await base.write(bytes)
    case .writesOnlyWhenWaitedOn:
      memory.restart()
      try await base.write(bytes)
    default: try await base.write(bytes)
    }
  }

  func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError) {
    if flaw == .swapsPieces { return try await base.write(second, first) }
    try await base.write(first, second)
  }

  func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int {
    guard flaw == .losesCountOfACancelledWrite else { return try await base.writeSome(bytes) }
    try await base.write(bytes)
    return bytes.byteCount
  }

  func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int {
    if flaw == .writesOnlyWhenWaitedOn, memory.next() > 32 { return 0 }
    let count = try base.tryWrite(bytes)
    return flaw == .writesMoreThanItSays ? max(0, count - 1) : count
  }

  func shutdownWrite() async throws(IOError) {
    switch flaw {
    case .closesBothHalves: base.close()
    case .finishesNothing: break
    default: try await base.shutdownWrite()
    }
  }

  func close() {
    guard flaw == .closesTwice, let descriptor = systemDescriptor(of: base) else { return base.close() }
    base.close()
    usleep(100)
    Glibc.close(descriptor)
  }

  func closeOrderly() {
    if flaw == .closesNothingOrderly { return }
    base.closeOrderly()
  }

  func closeAndWait() async {
    if flaw == .closesNothingOfItself { return }
    await base.closeAndWait()
  }

  func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? {
    guard flaw == .mistakesThePeersProcess, var credentials = base.attribute(PeerCredentials.self) else {
      return base.attribute(type)
    }
    credentials.processID += 1
    return credentials as? Attribute
  }

  var peerAddress: SocketAddress? { flaw == .mistakesThePeer ? base.localAddress : base.peerAddress }
  var localAddress: SocketAddress? { base.localAddress }
}
