import Runtime

// The parts of Swift's tasks that the code under test uses. A task of a model is one of its threads, which waits where
// a task would suspend. So the loops of async functions are tested as they are.

/// A task of the model.
struct Task<Success: Sendable, Failure: Error>: Sendable {
  fileprivate let state: TaskState

  func cancel() { state.cancel() }
}

extension Task where Success == Void, Failure == any Error {
  var result: Result<Void, any Error> {
    get async {
      state.join()
      return .success(())
    }
  }
}

extension Task where Success == Never, Failure == Never {
  static var isCancelled: Bool { Model.current.thread.task?.isCancelled ?? false }

  /// Does nothing: other threads may run before any operation.
  static func yield() async {}

  /// Waits until the task is cancelled.
  static func waitUntilCancelled() async { Model.current.thread.task?.waitUntilCancelled() }

  /// The model's `withTaskCancellationHandler`. A function of that name would be ambiguous beside Swift's; types whose
  /// code is under test have a method of that name instead.
  static func watchingCancellation<Result>(
    operation: () async throws -> Result, onCancel: @escaping @Sendable () -> Void
  ) async rethrows -> Result {
    guard let task = Model.current.thread.task else { return try await operation() }
    let handler = TaskState.Handler(onCancel)
    task.add(handler)
    defer { task.remove(handler) }
    return try await operation()
  }
}

/// The model's `CancellationWatch`.
struct CancellationWatch: ~Copyable {
  private let task = Model.current.thread.task
  private let handler: TaskState.Handler

  init(_ object: AnyObject, _ handler: @escaping @convention(c) (UnsafeMutableRawPointer) -> Void) {
    // One thread of the model runs at a time.
    nonisolated(unsafe) let object = Unmanaged.passUnretained(object).toOpaque()
    self.handler = TaskState.Handler { handler(object) }
    task?.add(self.handler)
  }

  consuming func end() { task?.remove(handler) }
}

/// The state that a task shares with its handle: whether it is cancelled, and its cancellation handlers.
final class TaskState: @unchecked Sendable {  // One thread of the model runs at a time.
  private let number = Model.current.memory.add(0)
  private var wasCancelled = false
  private var tells = View()
  private var handlers: [Handler] = []
  private var end = View()
  private var hasEnded = false

  fileprivate final class Handler {
    let run: @Sendable () -> Void
    var isRunning = false
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Whether the task has been cancelled, as the task itself sees it.
  var isCancelled: Bool {
    stop()
    if wasCancelled { Model.current.thread.view.join(tells) }
    return wasCancelled
  }

  fileprivate func waitUntilCancelled() {
    let model = Model.current
    model.wait { self.wasCancelled }
    model.thread.view.join(tells)
  }

  /// Cancels the task: first marks it as cancelled, then runs its handlers here.
  fileprivate func cancel() {
    let model = Model.current
    stop()
    guard !wasCancelled else { return }
    wasCancelled = true
    tells = model.thread.view
    model.note("cancels a task")
    for handler in handlers {
      handler.isRunning = true
      handler.run()
      handler.isRunning = false
    }
  }

  /// Makes cancellation run `handler`; runs it at once if the task has been cancelled.
  fileprivate func add(_ handler: Handler) {
    stop()
    if wasCancelled { handler.run() } else { handlers.append(handler) }
  }

  /// Removes `handler`. If it is running, waits until it has ended.
  fileprivate func remove(_ handler: Handler) {
    stop()
    if handler.isRunning { Model.current.wait { !handler.isRunning } }
    handlers.removeAll { $0 === handler }
  }

  fileprivate func join() {
    let model = Model.current
    model.wait { self.hasEnded }
    model.thread.view.join(end)
  }

  fileprivate func finish() {
    end = Model.current.thread.view
    hasEnded = true
  }

  private func stop() { Model.current.stop(before: .lock(number)) }
}

/// The continuation of a waiting task, which is resumed exactly once.
@usableFromInline
package struct UnsafeContinuation<Success, Failure: Error>: Sendable {
  fileprivate final class State: @unchecked Sendable {  // One thread of the model runs at a time.
    let number = Model.current.memory.add(0)
    var result: Result<Success, Failure>?
    var tells = View()
  }

  fileprivate let state = State()

  func resume(with result: Result<Success, Failure>) {
    let model = Model.current
    // A step of its own, so that what was done under a lock before becomes visible first.
    model.stop(before: .change(state.number))
    if state.result != nil { let _: Never? = model.fail("a continuation is resumed twice") }
    model.note("resumes a continuation")
    state.tells = model.thread.view
    state.result = result
  }

  func resume(returning value: Success) { resume(with: .success(value)) }
  @usableFromInline func resume(throwing error: Failure) { resume(with: .failure(error)) }
  func resume() where Success == Void { resume(with: .success(())) }

  fileprivate func wait() -> Result<Success, Failure> {
    let (model, state) = (Model.current, state)
    model.wait { state.result != nil }
    model.thread.view.join(state.tells)
    guard let result = state.result else { preconditionFailure("it has waited for that") }
    return result
  }
}

typealias CheckedContinuation = UnsafeContinuation

func withUnsafeContinuation<Success>(_ body: (UnsafeContinuation<Success, Never>) -> Void) async -> Success {
  let continuation = UnsafeContinuation<Success, Never>()
  body(continuation)
  return continuation.wait().get()
}

func suspendTask<Success>(_ body: (UnsafeContinuation<Success, Never>) -> Void) async -> Success {
  await withUnsafeContinuation(body)
}

func withCheckedContinuation<Success>(_ body: (CheckedContinuation<Success, Never>) -> Void) async -> Success {
  await withUnsafeContinuation(body)
}

@usableFromInline
func withUnsafeThrowingContinuation<Success>(
  _ body: (UnsafeContinuation<Success, any Error>) -> Void
) async throws -> Success {
  let continuation = UnsafeContinuation<Success, any Error>()
  body(continuation)
  return try continuation.wait().get()
}

extension Model {
  /// Adds a task.
  @discardableResult
  func spawnTask(_ name: String, _ body: @escaping () async -> Void) -> Task<Void, any Error> {
    let state = TaskState()
    let thread = spawn(name) {
      FiberExecutor().run(body)
      state.finish()
    }
    thread.task = state
    return Task(state: state)
  }
}

/// Runs one of Swift's tasks on the calling coroutine.
private final class FiberExecutor: _Concurrency.TaskExecutor, @unchecked Sendable {  // Only that coroutine touches it.
  private var job: _Concurrency.UnownedJob?

  func enqueue(_ job: consuming _Concurrency.ExecutorJob) { self.job = _Concurrency.UnownedJob(job) }

  func run(_ body: @escaping () async -> Void) {
    nonisolated(unsafe) let body = body  // It runs here.
    nonisolated(unsafe) var isOver = false
    _Concurrency.Task.detached(executorPreference: self) {
      await body()
      isOver = true
    }
    while let job = exchange(&job, with: nil) { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
    if !isOver { let _: Never? = Model.current.fail("a task has suspended") }
  }
}
