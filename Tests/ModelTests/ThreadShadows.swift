import Runtime

// What the blocking pool has around it, and the scheduler some of it: threads, a lock that one can wait behind, and work.

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

/// A lock, and threads that wait for what is behind it to change. Whom `notifyOne` wakes is anybody's guess, and who is
/// woken has to get at the lock like everybody else.
///
/// What is done with the lock held must not stop, and so is one step.
final class Monitor<Value>: @unchecked Sendable {  // One thread of the model runs at a time.
  private var value: Value
  /// Tells apart what commutes and what does not.
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

  /// Runs `body` until it gives a result; it is told that it is late when the time is up, unless `deadline` is for ever.
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

  /// Waits for its turn, unless it holds the lock: then it is its turn still.
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

/// Work for the pool, as the pool knows it.
@usableFromInline
package class BlockingWork: @unchecked Sendable {  // One thread of the model runs at a time.
  @usableFromInline package init() {}
  @usableFromInline package func run() {}
  @usableFromInline package func finish() {}
  @usableFromInline package func cancel() {}
  @usableFromInline package var isOver: Bool { false }
}

/// Work that a task waits for. No model has tasks: what there is of it is what the pool's file needs to be compiled.
@usableFromInline
package final class Work<Success: Sendable>: BlockingWork, @unchecked Sendable {  // As above.
  @usableFromInline package init(_ body: sending @escaping () throws -> Success) {}
  @usableFromInline package func park(_ continuation: UnsafeContinuation<Success, any Error>) -> Bool { false }
  @usableFromInline package func end(_ error: any Error) {}
}

extension Duration {
  /// Only that it is one matters: time passes when nobody can do anything.
  var nanoseconds: Int64 { 0 }
}
