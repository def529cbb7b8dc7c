import Glibc
import Runtime
import RuntimeTestSupport

/// A datagram socket that forwards to another, and breaks one promise.
struct BrokenDatagrams<Base: DatagramSocket>: DatagramSocket {
  private let base: Base
  private let flaw: Flaw?
  private let memory = Memory()
  /// The peers that it should have been connected to.
  private let peers = Recorder<SocketAddress>()
  /// Datagrams that it must not send any more.
  private let owed = Recorder<[UInt8]>()

  init(_ base: Base, _ flaw: Flaw?) {
    self.base = base
    self.flaw = flaw
  }

  var localAddress: SocketAddress { base.localAddress }
  var peerAddress: SocketAddress? { peers.elements.last ?? base.peerAddress }

  func connect(to address: SocketAddress) throws(IOError) {
    if flaw == .hearsStrangers { peers.record(address) } else { try base.connect(to: address) }
  }

  func receive(into buffer: inout OutputRawSpan) async throws(IOError) -> DatagramReceipt {
    switch flaw {
    case .failsToReceiveWhenCancelled where Task.isCancelled: throw IOError(.receive, .cancelled)
    case .neverGivesADatagramsTurn: return DatagramReceipt(byteCount: 0, sender: nil)
    default: break
    }
    do throws(IOError) {
      return try await receiveFlawed(into: &buffer)
    } catch {
      switch (flaw, error.reason) {
      case (.overlooksRefusals, .system(ECONNREFUSED)): return try await receive(into: &buffer)
      case (.queuesReceivers, .busy):
        try? await Task.sleep(for: .milliseconds(1))
        return try await receive(into: &buffer)
      case (.saysCancelledOfAClosedSocket, .closed): throw IOError(.receive, .cancelled)
      case (.receivesAfterItsEnd, .closed):
        await memory.waitForEver()
        throw error
      default: throw error
      }
    }
  }

  private func receiveFlawed(into buffer: inout OutputRawSpan) async throws(IOError) -> DatagramReceipt {
    var receipt = try await base.receive(into: &buffer)
    switch flaw {
    case .mistakesTheSender: receipt.sender = base.localAddress
    case .hidesThatItCuts: receipt.isTruncated = false
    case .overlooksEmptyDatagrams:
      while receipt.byteCount == 0 { receipt = try await base.receive(into: &buffer) }
    case .losesDatagramsOfCancelledReceives where Task.isCancelled:
      buffer.removeLast(receipt.byteCount)
      throw IOError(.receive, .cancelled)
    default: break
    }
    return receipt
  }

  func send(_ bytes: RawSpan, to address: SocketAddress) async throws(IOError) {
    switch flaw {
    case .neverGivesADatagramsTurn: return
    case .dropsWhatThereIsNoRoomFor:
      let copy = bytes.withUnsafeBytes { Array($0) }
      // A cancelled task sends it at once or not at all.
      let error = await Task.detached { () async -> IOError? in
        withUnsafeCurrentTask { $0?.cancel() }
        do throws(IOError) {
          try await base.send(copy, to: address)
          return nil
        } catch {
          return error
        }
      }.value
      if let error, error.reason != .cancelled || Task.isCancelled { throw error }
      return
    case .sendsTheFirstPart:
      return try await base.send(bytes.extracting(first: min(bytes.byteCount, 60_000)), to: address)
    default: break
    }
    if let first = owed.elements.first, !memory.set() { try await base.send(first, to: address) }
    do throws(IOError) {
      try await base.send(bytes, to: address)
    } catch {
      if flaw == .sendsThoughItIsCancelled, error.reason == .cancelled {
        owed.record(bytes.withUnsafeBytes { Array($0) })
      }
      throw error
    }
  }

  func send(_ bytes: RawSpan) async throws(IOError) {
    if let peer = peers.elements.last { return try await base.send(bytes, to: peer) }
    try await base.send(bytes)
  }

  func close() {
    base.close()
    if flaw == .leavesADatagramSocketsName, let path = localAddress.filePath { Glibc.close(creat(path, 0o600)) }
  }
}
