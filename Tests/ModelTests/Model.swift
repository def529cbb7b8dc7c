import CFibers
import Runtime
import RuntimePrimitives

/// A model checker: runs a small program of several threads again and again, until it has tried every order of their
/// atomic operations, and every value that a load can find.
///
/// The threads are coroutines. Before each atomic operation a thread stops, and the model decides which thread goes on.
/// Each decision that had an alternative is made differently in a later execution, depth first. Orders that differ only
/// in independent operations are tried once (sleep sets: Godefroid, 1996). Where that is still too much, a *budget*
/// bounds how often an execution may interrupt a thread that could go on, or let a load find an old value (Musuvathi
/// and Qadeer, 2007).
///
/// The memory is weaker than that of any real processor here; see `Memory`. It does not model a load that finds a value
/// stored later in the same execution.
final class Model {
  /// What went wrong, and the operations before it.
  struct Failure: Error, CustomStringConvertible {
    let what: String
    let trace: [String]
    var description: String { "\(what), after\n" + trace.joined(separator: "\n") }
  }

  /// What an atomic operation touches. Operations of different threads commute unless they touch the same.
  enum Operation: Equatable {
    case load(Int)
    case change(Int)
    case fence
    case lock(Int)
    /// Waits for a condition that any operation may make true.
    case wait

    func commutes(with other: Operation) -> Bool {
      switch (self, other) {
      case (.wait, _), (_, .wait), (.fence, .fence): false
      case (.load(let one), .change(let two)), (.change(let one), .load(let two)), (.change(let one), .change(let two)),
        (.lock(let one), .lock(let two)):
        one != two
      default: true
      }
    }
  }

  final class Thread {
    let name: String
    /// The program of the thread, until it has run.
    fileprivate var body: () -> Void
    fileprivate var fiber: OpaquePointer?
    fileprivate var next = Operation.wait
    fileprivate var isReady: () -> Bool = { true }
    fileprivate var canTimeOut = false
    fileprivate(set) var isFinished = false
    fileprivate(set) var hasTimedOut = false
    /// Whether the thread has been joined or detached.
    var isReleased = false
    var view = View()
    /// The task that it stands for, if it does.
    var task: TaskState?

    fileprivate init(_ name: String, _ body: @escaping () -> Void) {
      self.name = name
      self.body = body
    }

    /// Whether the thread can run: what it waits for has happened, or its time is up. A thread whose time is up runs
    /// whatever other threads do until then.
    fileprivate var canGoOn: Bool { !isFinished && (hasTimedOut || isReady()) }
  }

  /// The model that is running, which the atomics of the code under test use. The suite is serialized.
  nonisolated(unsafe) private(set) static var current = Model()

  private struct Decision {
    let options: [Int]
    var taken = 0
  }

  /// The decisions of this execution: those of the last one up to the point where it differs, then new ones.
  private var trail: [Decision] = []
  private var position = 0
  /// Threads whose next operation has been tried at this point in an earlier execution.
  private var asleep: Set<Int> = []
  /// The rest of the budget; `nil` to try everything.
  private var rest: Int?
  /// Whether everything from here on has been seen before, so that the execution only runs to its end.
  private var isKnown = false
  private var failure: String?
  private var trace: [String]?
  private var steps = 0

  /// Called, in no thread, when all threads wait and time is about to pass.
  var beforeTimePasses: () -> Void = {}

  private(set) var threads: [Thread] = []
  private(set) var running = 0
  var memory = Memory()
  fileprivate let home = fiber_of_thread()

  /// The thread that runs now. The first one stands for what happens before the others start and after they have ended.
  var thread: Thread { threads[running] }

  // MARK: Exploring

  /// Runs `program` in every way, or within `budget`. The program adds threads and returns a check to run at the end,
  /// which returns `nil` or what is wrong.
  ///
  /// The exploration has its own thread, because the threads of Swift's pool are few and other tests need them.
  ///
  /// - Throws: the first failure.
  static func explore(budget: Int? = nil, _ program: @escaping (Model) -> () -> String?) async throws {
    nonisolated(unsafe) let program = program  // Only that thread calls it.
    let started = RuntimePrimitives.Lock<Runtime.Thread?>(nil)
    let result = await _Concurrency.withCheckedContinuation { continuation in
      do {
        let thread = try Runtime.Thread(name: "model") {
          continuation.resume(returning: Result { try exploreHere(budget, program) })
        }
        started.withLock { $0 = thread }
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    started.withLock { $0 }?.join()
    try result.get()
  }

  private static func exploreHere(_ budget: Int?, _ program: (Model) -> () -> String?) throws {
    var trail: [Decision] = []
    while true {
      let model = Model(trail, budget)
      if let what = model.execute(program) {
        let again = Model(model.trail, budget, trace: [])
        _ = again.execute(program)
        throw Failure(what: what, trace: again.trace ?? [])
      }
      trail = model.trail
      while let last = trail.last, last.taken + 1 == last.options.count { trail.removeLast() }
      if trail.isEmpty { return }
      trail[trail.count - 1].taken += 1
    }
  }

  private init(_ trail: [Decision] = [], _ budget: Int? = nil, trace: [String]? = nil) {
    self.trail = trail
    self.trace = trace
    rest = budget
    threads = [Thread("main") {}]
  }

  deinit { fiber_destroy(home) }

  private func execute(_ program: (Model) -> () -> String?) -> String? {
    Model.current = self
    let check = program(self)
    for index in threads.indices.dropFirst() { start(index) }
    running = 0  // Any of the threads may run first.
    while let next = pick() { resume(next) }
    running = 0
    for thread in threads {
      threads[0].view.join(thread.view)
      // A stuck thread is abandoned, with everything on its stack.
      if let fiber = thread.fiber { fiber_destroy(fiber) }
    }
    if failure == nil, !isKnown { failure = check() }
    return failure
  }

  /// Adds a thread. It begins when the program has returned or, if another thread adds it, when it is first chosen.
  @discardableResult
  func spawn(_ name: String, _ body: @escaping () -> Void) -> Thread {
    let thread = Thread(name, body)
    self.thread.view.tick(running)  // The new thread knows everything done so far.
    thread.view = self.thread.view
    threads.append(thread)
    if running != 0 { prepare(threads.count - 1) }
    return thread
  }

  /// Runs a thread up to its first operation.
  private func start(_ index: Int) {
    prepare(index)
    resume(index)
  }

  private func prepare(_ index: Int) {
    let thread = threads[index]
    let entry: @convention(c) (UnsafeMutableRawPointer) -> Void = { argument in
      // This stack is abandoned in the end, so nothing on it may own an object: each execution would leak it.
      let (fiber, home) = Unmanaged<Thread>.fromOpaque(argument)._withUnsafeGuaranteedRef { $0.runToEnd() }
      fiber_switch(fiber, home)
    }
    thread.view.tick(index)
    thread.fiber = fiber_create(entry, Unmanaged.passUnretained(thread).toOpaque())
  }

  private func resume(_ index: Int) {
    guard let fiber = threads[index].fiber else { return }
    running = index
    fiber_switch(home, fiber)
  }

  // MARK: Decisions

  /// Returns the thread that goes on; `nil` if none can.
  private func pick() -> Int? {
    guard failure == nil else { return nil }
    steps += 1
    if steps > 20_000 { return fail("it does not end") }
    var ready = threads.indices.dropFirst().filter { threads[$0].canGoOn }
    if ready.isEmpty {
      // Time passes only while no thread can run.
      running = 0
      beforeTimePasses()
      if failure != nil { return nil }
      ready = threads.indices.dropFirst().filter { !threads[$0].isFinished && threads[$0].canTimeOut }
      for index in ready { threads[index].hasTimedOut = true }
    }
    if ready.isEmpty {
      let stuck = threads.dropFirst().filter { !$0.isFinished }.map(\.name)
      return stuck.isEmpty ? nil : fail("stuck: \(stuck.joined(separator: ", "))")
    }
    if isKnown { return ready[0] }
    guard rest == nil else { return pickWithinBudget(ready) }

    let fresh = ready.filter { !asleep.contains($0) }
    if fresh.isEmpty {
      isKnown = true
      return ready[0]
    }
    let (picked, tried) = decide(fresh)
    let next = threads[picked].next
    asleep = asleep.union(tried).filter { threads[$0].next.commutes(with: next) }
    return picked
  }

  private func pickWithinBudget(_ ready: [Int]) -> Int {
    guard ready.contains(running) else { return decide(ready).0 }
    guard let rest, rest > 0 else { return running }
    let (picked, _) = decide([running] + ready.filter { $0 != running })
    if picked != running { self.rest = rest - 1 }
    return picked
  }

  /// - Returns: the option to take, and those that earlier executions have taken at this point.
  private func decide(_ options: [Int]) -> (Int, tried: ArraySlice<Int>) {
    if position == trail.count { trail.append(Decision(options: options)) }
    let decision = trail[position]
    position += 1
    return (decision.options[decision.taken], decision.options[..<decision.taken])
  }

  /// Returns which of `count` things happens. The first one is the expected one.
  func choose(_ count: Int) -> Int {
    guard count > 1, running != 0, !isKnown else { return 0 }
    guard let rest else { return decide(Array(0..<count)).0 }
    guard rest > 0 else { return 0 }
    let (choice, _) = decide(Array(0..<count))
    if choice > 0 { self.rest = rest - 1 }
    return choice
  }

  // MARK: In a thread of the program

  /// Stops before an operation until this thread is chosen. Does nothing before the threads have started.
  func stop(before operation: Operation, isReady: @escaping () -> Bool = { true }, canTimeOut: Bool = false) {
    guard running != 0, let fiber = thread.fiber else { return }
    let thread = thread
    thread.next = operation
    thread.isReady = isReady
    thread.canTimeOut = canTimeOut
    thread.hasTimedOut = false
    fiber_switch(fiber, home)
    thread.view.tick(running)
  }

  /// Waits until `condition` holds.
  func wait(canTimeOut: Bool = false, until condition: @escaping () -> Bool) {
    note("waits")
    stop(before: .wait, isReady: condition, canTimeOut: canTimeOut)
    note(thread.hasTimedOut ? "has timed out" : "goes on")
  }

  /// Records that the program has failed.
  @discardableResult
  func fail<Nothing>(_ what: String) -> Nothing? {
    if failure == nil, !isKnown { failure = what }
    return nil
  }

  func note(_ what: @autoclosure () -> String) {
    if trace != nil { trace?.append("  \(thread.name): \(what())") }
  }
}

extension Model.Thread {
  /// Runs the body. Returns the fiber, and the one to switch to: a finished thread is not resumed.
  @inline(never)
  fileprivate func runToEnd() -> (OpaquePointer, OpaquePointer) {
    body()
    // The closure owns what it captures.
    body = {}
    isReady = { false }
    isFinished = true
    next = .wait
    guard let fiber else { preconditionFailure("a thread runs in its fiber") }
    return (fiber, Model.current.home)
  }
}
