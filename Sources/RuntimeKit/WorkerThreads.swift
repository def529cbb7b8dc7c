import CRuntime
public import Runtime
import RuntimePrimitives

/// The numbered threads of a backend, which start together and end together.
public final class WorkerThreads: Sendable {
  private let threads = Lock<[Thread]>([])
  /// Which threads have ended.
  private let ended = Monitor<[Bool]>([])

  /// Creates an instance without threads.
  public init() {}

  /// Starts a thread for each of `names`. Each runs `body` with its number, from 0. Call it once.
  ///
  /// - Parameter names: the names of the threads. Linux shows the first 15 bytes.
  /// - Throws: the system's error if a thread cannot be created. Threads that have already been started keep running,
  ///   and ``join(until:)`` waits for them.
  public func start(_ names: [String], _ body: @escaping @Sendable (Int) -> Void) throws(IOError) {
    ended.withLock { $0 = [Bool](repeating: false, count: names.count) }
    for (number, name) in names.enumerated() {
      let thread = try Thread(name: name) { [self] in
        gearbox_enter_executor(identity, Int32(number))
        body(number)
        gearbox_enter_executor(nil, 0)
        ended.withLock { $0[number] = true }
        ended.notifyAll()
      }
      threads.withLock { $0.append(thread) }
    }
  }

  /// The number of the calling thread, if it is one of these.
  public var currentNumber: Int? {
    let number = Int(gearbox_slot(identity))
    return number >= 0 ? number : nil
  }

  /// Identifies these threads, since all backends store the number of a thread in the same thread-local variable.
  private var identity: UnsafeRawPointer { UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque()) }

  /// Blocks the calling thread until the threads have ended or `deadline` has passed. A thread that is still running
  /// then is detached and ends with its body. Call it once, after the threads have been told to end.
  ///
  /// - Parameter deadline: the deadline in nanoseconds of `MonotonicTime`.
  /// - Returns: for each started thread, whether it has ended.
  public func join(until deadline: Int64) -> [Bool] {
    let threads = threads.withLock { exchange(&$0, with: []) }
    let hasEnded = ended.wait(until: deadline) { hasEnded, isLate -> [Bool]? in
      // If not all threads could be started, there are only the first ones.
      let hasEnded = Array(hasEnded[..<threads.count])
      return isLate || hasEnded.allSatisfy(\.self) ? hasEnded : nil
    }
    for (number, thread) in threads.enumerated() {
      if hasEnded[number] { thread.join() } else { thread.detach() }
    }
    return hasEnded
  }
}
