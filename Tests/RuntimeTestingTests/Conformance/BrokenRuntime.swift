import Dispatch
import Glibc
import Runtime
import RuntimeKit
import RuntimePrimitives
import RuntimeTesting
import Synchronization

/// A runtime that forwards to another, and breaks one promise.
struct BrokenRuntime<Base: AsyncRuntime>: AsyncRuntime {
  typealias RuntimeClock = BrokenClock<Base.RuntimeClock>
  typealias Listener = BrokenListener<Base.Listener>

  private let base: Base
  private let flaw: Flaw?
  private let memory = Memory()
  private let forgetful = ForgetfulExecutor()
  private let hasty = HastyExecutor()

  init(_ base: Base, _ flaw: Flaw?) {
    self.base = base
    self.flaw = flaw
  }

  var name: String { "broken \(base.name)" }
  var workerCount: Int { flaw == .saysFewerWorkers ? 1 : base.workerCount }
  var taskExecutor: (any TaskExecutor)? { flaw == .runsJobsAtOnce ? hasty : base.taskExecutor }
  var clock: RuntimeClock { BrokenClock(base.clock, flaw, memory, onAThread: base.runBlocking) }

  var metrics: RuntimeMetrics {
    var metrics = base.metrics
    if flaw == .miscountsTasks { metrics.tasks += 1 }
    if flaw == .forgetsItsRefusals { metrics.refusedBlockingCalls = 0 }
    if flaw == .forgetsWhatWorkersDid {
      for index in metrics.workers.indices { metrics.workers[index].jobs = -memory.next() }
    }
    return metrics
  }

  @discardableResult
  func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    // A flaw calls the operation twice and another keeps it, which its type does not allow.
    nonisolated(unsafe) let operation = operation
    switch flaw {
    case .runsAnOperationTwice where memory.next() % 100 == 0:
      return base.spawn(options) {
        _ = try await operation()
        return try await operation()
      }
    case .forgetsATask where memory.next() % 100 == 0:
      return base.spawn(options) {
        await memory.waitForEver()
        return try await operation()
      }
    case .runsJobsAtOnce: return ExecutorPreference(hasty).spawn(options) { try await operation() }
    case .leavesChildrenElsewhere: return Task.detached { try await operation() }
    case .ignoresACancelledHandle:
      return Task.detached { try await base.spawn(options) { try await operation() }.value }
    case .startsTasksWithoutTheirNames: return base.spawn { try await operation() }
    case .startsTasksWithoutTheirValues:
      return base.spawn(TaskOptions(name: options.name, priority: options.priority)) { try await operation() }
    case .keepsOperations: memory.keep { _ = operation }
    case .waitsForItself, .waitsForItselfElsewhere, .waitsForItselfOnTheMainActor, .waitsForOthersThatShutItDown,
      .takesGuestsForItsOwn, .takesOrphansForItsOwn:
      return base.spawn(options) { try await Memory.$isWithin.withValue(true) { try await operation() } }
    case .dropsWhatIsReadyAfterItsEnd:
      return Task.detached(executorPreference: forgetful) { try await operation() }
    case .keepsATimerATask:
      return base.spawn(options) { try await Memory.$ofTask.withValue(Memory()) { try await operation() } }
    default: break
    }
    return base.spawn(options) { try await operation() }
  }

  func yield() async {
    let prefersIt = withUnsafeCurrentTask { $0?.unownedTaskExecutor } == base.taskExecutor?.asUnownedTaskExecutor()
    switch flaw {
    case .yieldsToNone: return
    case .yieldsToNoneWhenCancelled where Task.isCancelled: return
    case .yieldsForEver where base.metrics.queueDepths.allSatisfy { $0 == 0 }: await memory.waitForEver()
    case .yieldsForEverElsewhere where !prefersIt: await memory.waitForEver()
    default: await base.yield()
    }
  }

  func listen(on address: SocketAddress, options: ListenOptions) async throws(IOError) -> Listener {
    var options = options
    if flaw == .sharesPorts { options.reusePort = true }
    if flaw == .sharesPortsOfAllAddresses, case .ipv4(.any, _) = address { options.reusePort = true }
    if flaw == .sharesNoPorts { options.reusePort = false }
    if case .unix(let path) = address, !path.isEmpty, !path.hasPrefix("\0") {
      switch flaw {
      case .cutsPaths:
        let name = String(decoding: path.utf8.prefix { $0 != 0 }.prefix(107), as: UTF8.self)
        return BrokenListener(try await base.listen(on: .unix(path: name), options: options), flaw)
      case .leavesNamesAtItsEnd: memory.keep { Glibc.close(creat(path, 0o600)) }
      case .replacesFiles where !isSocket(path): unlink(path)
      case .replacesListeners where isSocket(path):
        while true {
          unlink(path)
          do throws(IOError) {
            return BrokenListener(try await base.listen(on: address, options: options), flaw)
          } catch {
            // Another listener has replaced the name first.
            if error.errno != ENOENT { throw error }
          }
        }
      default: break
      }
    }
    return BrokenListener(try await base.listen(on: address, options: options), flaw)
  }

  func listen(onInherited socket: InheritedSocket, options: ListenOptions) async throws(IOError) -> Listener {
    switch flaw {
    case .listensBesideWhatItInherits: return try await listen(on: .loopback(port: 0), options: options)
    case .removesNamesItInherits:
      return BrokenListener(try await base.listen(onInherited: socket, options: options), .removesItsSuccessor)
    case .takesWhateverItInherits:
      do throws(IOError) {
        return BrokenListener(try await base.listen(onInherited: socket, options: options), flaw)
      } catch {
        return try await listen(on: .loopback(port: 0), options: options)
      }
    default: return BrokenListener(try await base.listen(onInherited: socket, options: options), flaw)
    }
  }

  func connect(to address: SocketAddress, options: ConnectOptions) async throws(IOError) -> Listener.Stream {
    if flaw == .leaksDescriptors { _ = dup(0) }
    if flaw == .endsWhereItIsToReset { return BrokenStream(try await base.connect(to: address), flaw) }
    return BrokenStream(try await base.connect(to: address, options: options), flaw)
  }

  func bindDatagrams(
    on address: SocketAddress, options: DatagramOptions
  ) async throws(IOError) -> BrokenDatagrams<Base.Datagrams> {
    var options = options
    if flaw == .leaksDescriptorsOfDatagrams { _ = dup(0) }
    if flaw == .sharesDatagramPorts { options.reusePort = true }
    if flaw == .replacesOpenSockets, let path = address.filePath { unlink(path) }
    // The socket is never connected, so the wildcard address would not name its source address.
    let address = flaw == .hearsStrangers && address == .ipv4(.any, port: 0) ? .loopback(port: 0) : address
    return BrokenDatagrams(try await base.bindDatagrams(on: address, options: options), flaw)
  }

  func addresses(ofHost name: String, port: UInt16) async throws(IOError) -> [SocketAddress] {
    switch flaw {
    case .knowsNoNames where name == "localhost":
      throw IOError(.resolve, causedBy: UnresolvedName(name, answer: "Name or service not known"))
    case .cutsHostNames:
      let name = name.split(separator: "\0").first.map(String.init) ?? name
      return try await base.addresses(ofHost: name, port: port)
    case .triesNoAddress: return []
    default: return try await base.addresses(ofHost: name, port: port)
    }
  }

  func runBlocking<Success: Sendable>(_ work: sending @escaping () throws -> Success) async throws -> Success {
    nonisolated(unsafe) let work = work
    switch flaw {
    case .blocksAWorker: return try work()
    case .blocksOneAtATime: return try await base.runBlocking { try memory.oneAtATime { try work() } }
    case .ignoresACancelledWait: return try await Task.detached { try await base.runBlocking { try work() } }.value
    case .beginsInVain:
      if Task.isCancelled { _ = try await Task.detached { try await base.runBlocking { try work() } }.value }
      return try await base.runBlocking { try work() }
    case .worksTwice:
      return try await base.runBlocking {
        _ = try work()
        return try work()
      }
    case .doesWhatItRefuses, .refusesForEver: return try await runBlockingAfterRefusals { try work() }
    default: return try await base.runBlocking { try work() }
    }
  }

  /// Runs blocking work with the flaws that concern refused work.
  private func runBlockingAfterRefusals<Success: Sendable>(
    _ work: @escaping () throws -> Success
  ) async throws -> Success {
    nonisolated(unsafe) let work = work
    do {
      if flaw == .refusesForEver, memory.hasBeenSet { throw BlockingWorkRefused(BlockingLimits()) }
      return try await base.runBlocking { try work() }
    } catch let error as BlockingWorkRefused {
      if flaw == .doesWhatItRefuses {
        try Thread(name: "unasked") { _ = try? work() }.detach()
      } else {
        memory.set()
      }
      throw error
    }
  }

  nonisolated(nonsending) func shutdown(grace: Duration) async {
    let isFirst = !memory.set()
    let prefersIt = withUnsafeCurrentTask { $0?.unownedTaskExecutor } == base.taskExecutor?.asUnownedTaskExecutor()
    let isLong = grace > .seconds(5)
    switch flaw {
    // At once, so that no task can end meanwhile, even on a slow machine.
    case .hasNoGrace: Task.detached { await base.shutdown(grace: .zero) }
    case .sleepsOutItsGrace:
      try? await Task.sleep(for: grace)
      await base.shutdown(grace: .zero)
    case .dropsWhatIsReadyAfterItsEnd:
      await base.shutdown(grace: grace)
      forgetful.end()
    case .waitsForAllTasks: await base.shutdown(grace: .seconds(3600))
    case .returnsBeforeTheEnd where !isFirst: return
    case .leavesNamesAtItsEnd:
      await base.shutdown(grace: grace)
      memory.callKept()
    case .waitsForItself where Memory.isWithin && isLong: await memory.waitForEver()
    case .waitsForItselfElsewhere where Memory.isWithin && !prefersIt && isLong: await memory.waitForEver()
    case .waitsForItselfOnTheMainActor where Memory.isWithin && isOnMainQueue && isLong:
      await memory.waitForEver()
    case .waitsForOthersThatShutItDown where Memory.isWithin && !isFirst && isLong: await memory.waitForEver()
    case .takesGuestsForItsOwn where !Memory.isWithin && prefersIt, .takesOrphansForItsOwn where Memory.isWithin:
      await base.shutdown(grace: .zero)
    case .endsOnBorrowedThreads: await onBorrowedThread { await base.shutdown(grace: grace) }
    case .waitsForLessThanNoTime where grace < .zero: await base.shutdown(grace: .zero - grace)
    default: await base.shutdown(grace: grace)
    }
  }
}

/// Whether the calling thread runs jobs of the main queue, as the main actor does.
private var isOnMainQueue: Bool { DispatchQueue.getSpecific(key: mainQueue) != nil }

private let mainQueue: DispatchSpecificKey<Bool> = {
  let key = DispatchSpecificKey<Bool>()
  DispatchQueue.main.setSpecific(key: key, value: true)
  return key
}()

/// Blocks a thread of Dispatch until `operation` has ended.
private func onBorrowedThread(_ operation: @escaping @Sendable () async -> Void) async {
  await withUnsafeContinuation { continuation in
    DispatchQueue.global().async {
      let hasEnded = DispatchSemaphore(value: 0)
      Task.detached {
        await operation()
        hasEnded.signal()
      }
      hasEnded.wait()
      continuation.resume()
    }
  }
}

/// Runs jobs on Dispatch's threads until its end, and discards later ones.
private final class ForgetfulExecutor: TaskExecutor {
  private let hasEnded = Atomic(false)

  func end() { hasEnded.store(true, ordering: .relaxed) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if hasEnded.load(ordering: .relaxed) { return }
    DispatchQueue.global().async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// Runs a job at once, on the thread that enqueues it.
private final class HastyExecutor: TaskExecutor {
  func enqueue(_ job: consuming ExecutorJob) {
    unsafe UnownedJob(job).runSynchronously(on: asUnownedTaskExecutor())
  }
}

private func isSocket(_ path: String) -> Bool { FileIdentity(path)?.isSocket ?? false }

/// The state that a broken runtime, or a part of it, needs for its flaw.
final class Memory: @unchecked Sendable {  // Kept values are never accessed again.
  /// Whether the calling task belongs to a broken runtime.
  @TaskLocal static var isWithin = false
  /// The state of the calling task and its children.
  @TaskLocal static var ofTask: Memory?

  private let count = Atomic(0)
  private let isSet = Atomic(false)
  private let kept = Lock<[Kept]>([])

  private struct Kept: @unchecked Sendable {  // It is only released.
    let value: () -> Void
  }

  /// The state that lasts as long as the process.
  static let ofTheProcess = Memory()

  /// Returns 1, 2, 3, ...
  func next() -> Int { count.add(1, ordering: .relaxed).newValue }

  /// Restarts the count.
  func restart() { count.store(0, ordering: .relaxed) }

  /// Whether it has been set before.
  @discardableResult
  func set() -> Bool { isSet.exchange(true, ordering: .relaxed) }

  func clear() { isSet.store(false, ordering: .relaxed) }

  var hasBeenSet: Bool { isSet.load(ordering: .relaxed) }

  /// Retains the captures of `value`.
  func keep(_ value: @escaping () -> Void) {
    let value = Kept(value: value)
    kept.withLock { $0.append(value) }
  }

  /// Calls the kept closures.
  func callKept() { kept.withLock { kept in for kept in kept { kept.value() } } }

  /// Runs `body` under mutual exclusion.
  func oneAtATime<Success>(_ body: () throws -> Success) rethrows -> Success {
    while set() { usleep(100) }
    defer { clear() }
    return try body()
  }

  func waitForEver() async {
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in keep { _ = continuation } }
  }
}
