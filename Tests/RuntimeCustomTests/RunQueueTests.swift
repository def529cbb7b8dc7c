import Dispatch
import Runtime
import RuntimePrimitives
import Synchronization
import Testing

@testable import RuntimeCustom

@Suite struct RunQueueTests {
  @Test func `Jobs leave in the order in which they came`() {
    let queue = Queue()
    for number in 1...200 { #expect(queue.push(number)) }
    #expect(queue.count == 200)
    #expect((1...200).map { _ in queue.pop() } == Array(1...200))
    #expect(queue.pop() == nil)
    #expect(queue.count == 0)
  }

  @Test func `The counters may wrap`() {
    let queue = Queue()
    for number in 1...100_000 {
      #expect(queue.push(number))
      #expect(queue.pop() == number)
    }
  }

  @Test func `A full queue takes no more until one is taken out`() {
    let queue = Queue()
    let capacity = Int(RunQueue.capacity)
    for number in 1...capacity {
      #expect(queue.room == capacity - number + 1)
      #expect(queue.push(number))
    }
    #expect(!queue.push(1000))
    #expect(queue.pop() == 1)
    #expect(queue.push(1000))
    #expect(queue.drain() == Array(2...capacity) + [1000])
  }

  @Test(arguments: [(0, 0), (1, 1), (2, 1), (3, 2), (10, 5), (255, 128), (256, 128)])
  func `A thief takes the older half, rounded up`(count: Int, stolen: Int) {
    let (victim, thief) = (Queue(), Queue())
    for number in 0..<count { _ = victim.push(number + 1) }
    let last = victim.steal(into: thief)
    #expect(last?.job == (stolen == 0 ? nil : stolen))
    #expect(last?.count == (stolen == 0 ? nil : stolen))
    #expect(thief.drain() == (stolen < 2 ? [] : Array(1..<stolen)))
    #expect(victim.drain() == (stolen == count ? [] : Array(stolen + 1...count)))
  }

  @Test func `A thief that wants two or more leaves a lone job`() {
    let (victim, thief) = (Queue(), Queue())
    _ = victim.push(1)
    #expect(victim.steal(into: thief, atLeast: 2) == nil)
    #expect(victim.steal(into: thief, atLeast: 1)?.job == 1)
  }

  @Test func `Each job leaves exactly once, whatever the owner and thieves do at once`() async {
    for _ in 0..<5 {
      let total = 20_000
      let (victim, seen) = (Queue(), Shared(total))
      let isOver = Flag()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<2 {
          group.addTask {
            await onThread {
              let own = Queue()
              while !isOver.isSet || victim.count > 0 {
                if let last = victim.steal(into: own) { seen.mark(last.job) }
                for number in own.drain() { seen.mark(number) }
              }
            }
          }
        }
        group.addTask {
          await onThread {
            var random = SystemRandomNumberGenerator()
            for number in 1...total {
              if !victim.push(number) { seen.mark(number) }
              if Bool.random(using: &random), let number = victim.pop() { seen.mark(number) }
            }
            while let number = victim.pop() { seen.mark(number) }
            isOver.set()
          }
        }
      }
      #expect(seen.isEachOnce)
    }
  }
}

/// A queue of numbers: jobs are opaque to the queue, and these never run.
private final class Queue: Sendable {
  private let queue = RunQueue()

  var count: Int { queue.count }
  var room: Int { queue.room }
  func push(_ number: Int) -> Bool { queue.push(Self.job(number)) }
  func pop() -> Int? { queue.pop().map(Self.number) }
  func steal(into thief: Queue, atLeast: UInt32 = 1) -> (job: Int, count: Int)? {
    queue.steal(into: thief.queue, atLeast: atLeast).map { (Self.number($0.job), $0.count) }
  }
  func drain() -> [Int] { Array(sequence(state: ()) { _ in self.pop() }) }

  private static func job(_ number: Int) -> UnownedJob { unsafeBitCast(number, to: UnownedJob.self) }
  private static func number(_ job: UnownedJob) -> Int { unsafeBitCast(job, to: Int.self) }
}

private final class Shared: Sendable {
  private let counts: Lock<[Int]>

  init(_ total: Int) { counts = Lock(Array(repeating: 0, count: total + 1)) }

  func mark(_ number: Int) { counts.withLock { $0[number] += 1 } }
  var isEachOnce: Bool { counts.withLock { $0.dropFirst().allSatisfy { $0 == 1 } } }
}

private final class Flag: Sendable {
  private let value = Atomic(false)
  var isSet: Bool { value.load(ordering: .acquiring) }
  func set() { value.store(true, ordering: .releasing) }
}

/// Runs `body` on a thread that it may block.
private func onThread(_ body: @escaping @Sendable () -> Void) async {
  let started = Lock<Thread?>(nil)
  await withCheckedContinuation { continuation in
    let thread = try? Thread(name: "test") {
      body()
      continuation.resume()
    }
    #expect(thread != nil)
    started.withLock { $0 = thread }
  }
  started.withLock { $0 }?.join()
}
