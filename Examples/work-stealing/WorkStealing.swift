import Glibc
import Runtime
import RuntimeCustom

/// Starts a hundred tasks on one of four workers, and prints which workers finish them, with stealing and without.
@main enum WorkStealing {
  static func main() throws {
    for stealsWork in [true, false] {
      print(stealsWork ? "With stealing" : "Without stealing")
      // Without relief workers, which start when all workers block, so that there are four threads.
      try CustomRuntime(workers: 4, stealsWork: stealsWork, stalls: nil).run(demonstrate)
    }
  }

  @Sendable static func demonstrate(on runtime: CustomRuntime) async {
    let start = ContinuousClock.now
    // This task runs on a worker, and the tasks that it starts go to that worker's own queue.
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

  /// Occupies the worker for 10 ms, as a computation would. It blocks instead of computing, so that four workers are
  /// four times as fast as one on any number of cores.
  static func job() -> String {
    usleep(10_000)
    return threadName()
  }

  /// The name of the calling thread, such as `gearbox-0` for a worker.
  static func threadName() -> String {
    guard let file = fopen("/proc/thread-self/comm", "r") else { return "?" }
    defer { fclose(file) }
    var name: [UInt8] = []
    while let letter = UInt8(exactly: getc(file)), letter != UInt8(ascii: "\n") { name.append(letter) }
    return String(decoding: name, as: UTF8.self)
  }
}
