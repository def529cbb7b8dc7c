import Runtime

// The surroundings of the blocking pool, some of which the scheduler shares: threads, a lock with waiting, and work.

/// A thread of the model.
struct Thread: @unchecked Sendable {  // One thread of the model runs at a time.
  private let thread: Model.Thread

  init(name: String, _ body: @escaping () -> Void) throws(IOError) {
    thread = Model.current.spawn(name, body)
  }

  private init(_ thread: Model.Thread) { self.thread = thread }

  static var current: Thread { Thread(Model.current.thread) }

  func join() {
    release()
    let thread = thread
    Model.current.wait { thread.isFinished }
    Model.current.thread.view.join(thread.view)
  }

  func detach() { release() }

  private func release() {
    if thread.isReleased { let _: Never? = Model.current.fail("\(thread.name) is joined or detached twice") }
    thread.isReleased = true
  }
}

/// A lock, and threads that wait for a change of its value. `notifyOne` may wake any of them, and a woken thread
/// competes for the lock with all others.
///
/// What runs while the lock is held must not stop, and so is a single step.
final class Monitor<Value>: @unchecked Sendable {  // One thread of the model runs at a time.
  private var value: Value
  /// The location of the lock, which decides what commutes.
  private let number = Model.current.memory.add(0)
  private var tells = View()
  private var waiters: [Waiter] = []
  private var isHeld = false

  private final class Waiter {
    let thread: Int
    var isNotified = false
    init(thread: Int) { self.thread = thread }
  }

  init(_ value: Value) { self.value = value }

  func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    stop()
    return try hold(body)
  }

  /// Runs `body` until it returns a result. `isLate` is true once the time is up, unless `deadline` is `.max`.
  func wait<Result>(until deadline: Int64 = .max, for body: (inout Value, _ isLate: Bool) -> Result?) -> Result {
    let model = Model.current
    var isLate = false
    while true {
      stop()
      let waiter = Waiter(thread: model.running)
      let result = hold { value in
        let result = body(&value, isLate)
        if result == nil { waiters.append(waiter) }
        return result
      }
      if let result { return result }
      model.wait(canTimeOut: deadline != .max) { waiter.isNotified }
      waiters.removeAll { $0 === waiter }
      isLate = !waiter.isNotified
    }
  }

  func notifyOne() {
    stop()
    if waiters.isEmpty { return }
    let index = Model.current.choose(waiters.count)
    notify(waiters.remove(at: index))
  }

  func notifyAll() {
    stop()
    for waiter in waiters { notify(waiter) }
    waiters = []
  }

  private func notify(_ waiter: Waiter) {
    let model = Model.current
    waiter.isNotified = true
    model.note("wakes \(model.threads[waiter.thread].name)")
  }

  /// Waits until this thread is chosen, unless it holds the lock.
  private func stop() {
    if !isHeld { Model.current.stop(before: .lock(number)) }
  }

  private func hold<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    let model = Model.current
    isHeld = true
    model.thread.view.join(tells)
    model.note("lock \(number)")
    defer {
      isHeld = false
      tells = model.thread.view
    }
    return try body(&value)
  }
}

/// Work for the pool, as the pool sees it.
@usableFromInline
package class BlockingWork: @unchecked Sendable {  // One thread of the model runs at a time.
  @usableFromInline package init() {}
  @usableFromInline package func run() {}
  @usableFromInline package func finish() {}
  @usableFromInline package func cancel() {}
  @usableFromInline package var isOver: Bool { false }
}

/// Work that a task waits for. No model has tasks, so this has only what the pool's file needs to compile.
@usableFromInline
package final class Work<Success: Sendable>: BlockingWork, @unchecked Sendable {  // As above.
  @usableFromInline package init(_ body: sending @escaping () throws -> Success) {}
  @usableFromInline package func park(_ continuation: UnsafeContinuation<Success, any Error>) -> Bool { false }
  @usableFromInline package func fail(_ error: any Error) {}
}

extension Duration {
  /// A stand-in. The value does not matter: time passes when no thread can run.
  var nanoseconds: Int64 { 0 }
}
