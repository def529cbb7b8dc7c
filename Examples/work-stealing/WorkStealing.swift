import Glibc
import Runtime
import RuntimeCustom

/// A hundred tasks that are all born on one of four workers: who finishes them, with stealing and without?
@main enum WorkStealing {
  static func main() throws {
    for stealsWork in [true, false] {
      print(stealsWork ? "With stealing" : "Without stealing")
      // Without relief workers, which come when all workers block: four threads are four.
      try CustomRuntime(workers: 4, stealsWork: stealsWork, stalls: nil).run(demonstrate)
    }
  }

  @Sendable static func demonstrate(on runtime: CustomRuntime) async {
    let start = ContinuousClock.now
    // This task is on a worker, and what it makes ready goes to that worker's own queue.
    let birthplace = threadName()
    let finishers = await withTaskGroup(of: String.self) { group in
      for _ in 0..<100 { group.addTask { job() } }
      return await group.reduce(into: Set()) { $0.insert($1) }
    }
    let elapsed = start.duration(to: .now)

    print("  born on \(birthplace), finished by \(finishers.sorted().joined(separator: ", "))")
    print("  after \(Int(elapsed / .milliseconds(1))) ms")
    for (index, worker) in runtime.metrics.workers.enumerated() {
      let (jobs, stolen) = (worker.jobs, worker.stolenJobs)
      print("  gearbox-\(index): \(jobs) jobs, \(stolen) stolen, \(worker.parks) parks, \(worker.wakes) wakes")
    }
  }

  /// What a task does: 10 ms that its worker has for nothing else, as in a computation. It blocks instead of computing,
  /// so that four workers are four times as fast as one on any number of cores.
  static func job() -> String {
    usleep(10_000)
    return threadName()
  }

  /// The name of the calling thread, which is that of a worker: `gearbox-0` and so on.
  static func threadName() -> String {
    guard let file = fopen("/proc/thread-self/comm", "r") else { return "?" }
    defer { fclose(file) }
    var name: [UInt8] = []
    while let letter = UInt8(exactly: getc(file)), letter != UInt8(ascii: "\n") { name.append(letter) }
    return String(decoding: name, as: UTF8.self)
  }
}
