import NIOCore
import NIOPosix
import Runtime
import RuntimeKit
import RuntimePrimitives
import Synchronization

/// Runs jobs on the event loops of a group: what becomes ready on a loop on that one, the rest on each in turn.
///
/// NIO's loops are serial executors, and of these a task cannot prefer one.
final class LoopExecutor: TaskExecutor {
  /// Set once, before there are jobs.
  nonisolated(unsafe) private(set) var loops: [JobLoop] = []
  /// The calling thread's, if it is one of them.
  private let current = ThreadSpecificVariable<JobLoop>()
  private let turn = Atomic<UInt>(0)

  /// - Throws: what the system says if it has no descriptor to give.
  init(_ group: MultiThreadedEventLoopGroup) throws(IOError) {
    do throws(IOError) {
      for eventLoop in group.makeIterator() { loops.append(try JobLoop(eventLoop, self)) }
    } catch {
      end()
      throw error
    }
    for loop in loops { loop.eventLoop.execute { self.current.currentValue = loop } }
  }

  /// The calling thread's loop, or another if it is not of this group.
  var someLoop: JobLoop { current.currentValue ?? nextLoop }

  /// Each loop in turn.
  private var nextLoop: JobLoop {
    loops[Int(turn.wrappingAdd(1, ordering: .relaxed).oldValue % UInt(loops.count))]
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let own = current.currentValue
    if !(own ?? nextLoop).enqueue(job, isOnLoop: own != nil) { exile(job) }
  }

  /// Has the jobs that wait, and those that come later, run on Swift's own pool. Called once.
  func end() {
    for loop in loops {
      var rest = loop.end()
      while let job = rest.popFirst() { exile(job) }
      // The group may not be the runtime's own, and live on.
      loop.eventLoop.execute { [current] in current.currentValue = nil }
    }
  }

  private func exile(_ job: UnownedJob) {
    SwiftPool.run { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
