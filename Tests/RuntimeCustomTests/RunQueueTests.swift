import Dispatch
import Runtime
import Synchronization
import Testing

@testable import RuntimeCustom

@Suite struct RunQueueTests {
  @Test func `Jobs leave in the order in which they came`() {
    let queue = Queue()
    for number in 1...200 { #expect(queue.push(number) == []) }
    #expect(queue.count == 200)
    #expect((1...200).map { _ in queue.pop() } == Array(1...200))
    #expect(queue.pop() == nil)
    #expect(queue.count == 0)
  }

  @Test func `The counters may wrap as often as they like`() {
    let queue = Queue()
    for number in 1...100_000 {
      #expect(queue.push(number) == [])
      #expect(queue.pop() == number)
    }
  }

  @Test func `A full queue gives the older half away, with the job that did not fit`() {
    let queue = Queue()
    let capacity = Int(RunQueue.capacity)
    for number in 1...capacity { #expect(queue.push(number) == []) }
    #expect(queue.push(1000) == Array(1...capacity / 2) + [1000])
    #expect(queue.count == capacity / 2)
    #expect(queue.pop() == capacity / 2 + 1)
  }

  @Test(arguments: [(0, 0), (1, 1), (2, 1), (3, 2), (10, 5), (255, 128), (256, 128)])
  func `A thief takes the older half, rounded up`(count: Int, stolen: Int) {
    let (victim, thief) = (Queue(), Queue())
    for number in 0..<count { _ = victim.push(number + 1) }
    let last = victim.steal(into: thief)
    #expect(last == (stolen == 0 ? nil : stolen))
    #expect(thief.drain() == (stolen < 2 ? [] : Array(1..<stolen)))
    #expect(victim.drain() == (stolen == count ? [] : Array(stolen + 1...count)))
  }

  @Test func `Whatever owner and thieves do at once, each job leaves exactly once`() async {
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
                if let last = victim.steal(into: own) { seen.mark(last) }
                for number in own.drain() { seen.mark(number) }
              }
            }
          }
        }
        group.addTask {
          await onThread {
            var random = SystemRandomNumberGenerator()
            for number in 1...total {
              for overflow in victim.push(number) { seen.mark(overflow) }
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

/// A queue of numbers: jobs are opaque to it, and these are never run.
private final class Queue: Sendable {
  private let queue = RunQueue()

  var count: Int { queue.count }
  func push(_ number: Int) -> [Int] { queue.push(Self.job(number)).map(Self.number) }
  func pop() -> Int? { queue.pop().map(Self.number) }
  func steal(into thief: Queue) -> Int? { queue.steal(into: thief.queue).map(Self.number) }
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

/// Runs `body` on a thread that it may keep busy.
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
