import CRuntime
import Dispatch
import Glibc
import Runtime
import RuntimeSelection
import Synchronization

/// A program whose main thread is blocked in `run`. Its argument chooses the scenario to run meanwhile.
@main struct MainThreadProgram: RuntimeProgram {
  static func main() throws {
    var runtime = try RuntimeSettings.fromEnvironment()
    if CommandLine.arguments.contains("one-worker") { runtime.workers = 1 }
    do {
      try runtime.run(MainThreadProgram())
    } catch is Mishap {
      say("mishap")
    }
    say("end")
    exit(0)  // Does not wait for threads that stay blocked.
  }

  struct Mishap: Error {}

  func run(on runtime: some AsyncRuntime) async throws {
    switch CommandLine.arguments.dropFirst().first {
    case "main-actor": await callMainActor(runtime)
    case "main-actor-at-the-end": callMainActorAtTheEnd(runtime)
    case "blocked-pool": await blockPool()
    case "blocked-dispatch": await blockDispatch()
    case "mishap": throw Mishap()
    default: say("no such program")
    }
  }
}

enum Thread {
  /// Not by `pthread_self`: an optimiser may reuse its result from before an await after it.
  static var isMain: Bool { gearbox_is_main_thread() }
}

@MainActor private var calls = 0

@MainActor private func call() -> Bool {
  MainActor.preconditionIsolated()
  calls += 1
  return Thread.isMain
}

private func callMainActor(_ runtime: some AsyncRuntime) async {
  var isMain = true
  for _ in 0..<100 { isMain = await call() && isMain }
  await withTaskGroup(of: Bool.self) { group in
    for _ in 0..<100 { group.addTask { await call() } }
    for await result in group { isMain = result && isMain }
  }
  isMain =
    await Task { @MainActor in
      try? await Task.sleep(for: .milliseconds(2))
      await Task.yield()
      return call()
    }.value && isMain
  isMain =
    await withCheckedContinuation { continuation in
      DispatchQueue.main.async { continuation.resume(returning: Thread.isMain) }
    } && isMain
  say("\(await calls) calls, all of them on the main thread: \(isMain)")
}

/// Leaves a task that calls the main actor while the runtime is being shut down.
private func callMainActorAtTheEnd(_ runtime: some AsyncRuntime) {
  runtime.spawn {
    // It ends with the runtime.
    try? await runtime.clock.sleep(for: .seconds(3600))
    say("called in the end: \(await call())")
  }
}

/// Blocks all threads of Swift's pool, with tasks that never end.
private func blockPool() async {
  for _ in 0..<100 { Task.detached { blockForEver() } }
  await awaitBlockedThread()
}

/// Blocks all threads of Dispatch's global queues.
private func blockDispatch() async {
  for _ in 0..<300 { DispatchQueue.global().async { blockForEver() } }
  await awaitBlockedThread()
}

private let blockedThreads = Atomic(0)

private func blockForEver() {
  blockedThreads.add(1, ordering: .relaxed)
  while true { pause() }
}

/// Waits without leaving its thread, so that another thread gets blocked. The wait is bounded, since this may be the
/// only thread.
private func awaitBlockedThread() async {
  let end = ContinuousClock.now + .seconds(1)
  while blockedThreads.load(ordering: .relaxed) == 0 && ContinuousClock.now < end {}
}

private func say(_ line: String) {
  print(line)
  fflush(nil)
}
