import Dispatch
import Synchronization

/// The loads as blocks on a concurrent queue of Dispatch, without tasks or an executor.
struct BareDispatch: Sendable {
  private let queue = DispatchQueue(label: "benchmarks", attributes: .concurrent)

  var spawnAndJoin: Double {
    let time = ContinuousClock().measure {
      for _ in 0..<SpawnAndJoin.count / batchSize {
        let group = DispatchGroup()
        for _ in 0..<batchSize { queue.async(group: group) {} }
        group.wait()
      }
    }
    return Double(SpawnAndJoin.count) / time.seconds / 1e6
  }

  /// Blocks that each start the next: the counterpart of a chain of tasks, and of yields.
  var chain: Double {
    let time = ContinuousClock().measure {
      let end = DispatchSemaphore(value: 0)
      link(SpawnAndJoin.count, end)
      end.wait()
    }
    return time.nanoseconds / Double(SpawnAndJoin.count)
  }

  var yield: Double { chain }

  private func link(_ rest: Int, _ end: DispatchSemaphore) {
    queue.async {
      if rest == 0 { _ = end.signal() } else { link(rest - 1, end) }
    }
  }

  /// Two serial queues that submit blocks to each other in turn.
  var pingPong: Double {
    let rounds = 200_000
    let (left, right) = (DispatchQueue(label: "left", target: queue), DispatchQueue(label: "right", target: queue))
    let time = ContinuousClock().measure {
      let end = DispatchSemaphore(value: 0)
      @Sendable func ping(_ rest: Int) {
        left.async {
          right.async {
            if rest == 0 { _ = end.signal() } else { ping(rest - 1) }
          }
        }
      }
      ping(rounds)
      end.wait()
    }
    return time.nanoseconds / Double(rounds)
  }

  var sleep: Double {
    let time = ContinuousClock().measure {
      let rest = Countdown(Sleep.count)
      for _ in 0..<Sleep.count { queue.asyncAfter(deadline: .now() + 0.1) { rest.countDown() } }
      rest.wait()
    }
    return time.seconds * 1e3
  }

  var inject: Double {
    let count = 200_000
    let time = ContinuousClock().measure {
      for _ in 0..<count / batchSize {
        let rest = Countdown(batchSize)
        for _ in 0..<batchSize { queue.async { rest.countDown() } }
        rest.wait()
      }
    }
    return Double(count) / time.seconds / 1e6
  }
}
