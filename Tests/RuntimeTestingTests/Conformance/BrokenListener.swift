import Glibc
import Runtime

/// A listener that forwards to another, and breaks one promise.
struct BrokenListener<Base: StreamListener>: StreamListener {
  private let base: Base
  private let flaw: Flaw?
  private let memory = Memory()

  init(_ base: Base, _ flaw: Flaw?) {
    self.base = base
    self.flaw = flaw
    if flaw == .listensOnWhenClosed { Memory.ofTheProcess.keep { _ = base } }
  }

  var localAddress: SocketAddress {
    if flaw == .losesAbstractNames, case .unix = base.localAddress { return .unix(path: "") }
    guard flaw == .doesNotSayItsPort, case .ipv4(let address, _) = base.localAddress else { return base.localAddress }
    return .ipv4(address, port: 0)
  }

  func accept() async throws(IOError) -> BrokenStream<Base.Stream> {
    if flaw == .losesTheFirstConnection, !memory.set() { try await base.accept().close() }
    if flaw == .ignoresACancelledAccept {
      return BrokenStream(try await deaf { () async throws(IOError) in try await base.accept() }, flaw)
    }
    do throws(IOError) {
      return BrokenStream(try await base.accept(), flaw)
    } catch {
      throw flaw == .saysCancelledWhenClosed ? IOError(.accept, .cancelled) : error
    }
  }

  func close() {
    if flaw == .listensOnWhenClosed { return }
    base.close()
    if flaw == .removesItsSuccessor, case .unix(let path) = localAddress { unlink(path) }
    if flaw == .leavesItsName, case .unix(let path) = localAddress { Glibc.close(creat(path, 0o600)) }
  }

  func closeAndWait() async {
    if flaw == .closesListenersLater {
      Memory.ofTheProcess.keep { _ = base }
      return
    }
    close()
  }
}

/// Runs `operation` in a task that the calling task's cancellation does not reach.
func deaf<Success: Sendable>(
  _ operation: @escaping @Sendable () async throws(IOError) -> Success
) async throws(IOError) -> Success {
  try await Task.detached { () async -> Result<Success, IOError> in
    do throws(IOError) {
      return .success(try await operation())
    } catch {
      return .failure(error)
    }
  }.value.get()
}
