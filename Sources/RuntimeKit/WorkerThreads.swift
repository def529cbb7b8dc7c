import CRuntime
public import Runtime
import RuntimePrimitives

/// The threads of a backend that has threads of its own: started together, known by their numbers, and ended together.
public final class WorkerThreads: Sendable {
  private let threads = Lock<[Thread]>([])
  /// Which threads have come to their end.
  private let ended = Monitor<[Bool]>([])

  /// No threads yet.
  public init() {}

  /// Starts a thread for each of `names`, that runs `body` with its number, which counts from 0. To be called once.
  ///
  /// - Parameter names: what the threads are called; Linux shows the first 15 bytes.
  /// - Throws: what the system says if it has no thread to give. Those that it has given run; ``join(until:)`` waits for
  ///   them.
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

  /// What a thread is known by, since all backends' threads keep their numbers in the same place.
  private var identity: UnsafeRawPointer { UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque()) }

  /// Blocks the calling thread until the threads have ended, or `deadline` has come. A thread that has not ended by then
  /// is left alone, and ends when its body does. To be called once, when the threads have been told to end.
  ///
  /// - Parameter deadline: in nanoseconds of `MonotonicTime`.
  /// - Returns: for each thread that was started, whether it has ended.
  public func join(until deadline: Int64) -> [Bool] {
    let threads = threads.withLock { exchange(&$0, with: []) }
    let hasEnded = ended.wait(until: deadline) { hasEnded, isLate -> [Bool]? in
      // Where not all threads could be started, the first ones are all there are.
      let hasEnded = Array(hasEnded[..<threads.count])
      return isLate || hasEnded.allSatisfy(\.self) ? hasEnded : nil
    }
    for (number, thread) in threads.enumerated() {
      if hasEnded[number] { thread.join() } else { thread.detach() }
    }
    return hasEnded
  }
}
