import NIOCore
import NIOPosix
import Runtime
import RuntimeKit
import RuntimePrimitives
import Synchronization

/// A task executor on the event loops of a group. A job that becomes ready on a loop runs there; other jobs go to each
/// loop in turn.
///
/// NIO's loops are serial executors, which a task cannot prefer.
final class LoopExecutor: TaskExecutor {
  /// Set once, before there are jobs.
  nonisolated(unsafe) private(set) var loops: [JobLoop] = []
  /// The loop of the calling thread, if it is one of them.
  private let current = ThreadSpecificVariable<JobLoop>()
  private let turn = Atomic<UInt>(0)

  /// Creates an executor.
  ///
  /// - Throws: the system's error if a descriptor cannot be created.
  init(_ group: MultiThreadedEventLoopGroup) throws(IOError) {
    do throws(IOError) {
      for eventLoop in group.makeIterator() { loops.append(try JobLoop(eventLoop, self)) }
    } catch {
      stop()
      throw error
    }
    for loop in loops { loop.eventLoop.execute { self.current.currentValue = loop } }
  }

  /// The loop of the calling thread, or another one if the thread does not belong to this group.
  var someLoop: JobLoop { current.currentValue ?? nextLoop }

  /// The loops in turn.
  private var nextLoop: JobLoop {
    loops[Int(turn.wrappingAdd(1, ordering: .relaxed).oldValue % UInt(loops.count))]
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let own = current.currentValue
    if !(own ?? nextLoop).enqueue(job, isOnLoop: own != nil) { runOnSwiftPool(job) }
  }

  /// Makes waiting and later jobs run on Swift's own pool. Called once.
  func stop() {
    for loop in loops {
      var rest = loop.stop()
      while let job = rest.popFirst() { runOnSwiftPool(job) }
      // The group may belong to the program and live on.
      loop.eventLoop.execute { [current] in current.currentValue = nil }
    }
  }

  private func runOnSwiftPool(_ job: UnownedJob) {
    SwiftPool.run { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
