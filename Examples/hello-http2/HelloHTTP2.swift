import Dispatch
import HelloHandler
import HelloSite
import Runtime
import RuntimeHTTP
import RuntimeSelection

/// A minimal HTTP/2 server. It answers requests on an executor of its own.
@main struct HelloHTTP2: RuntimeProgram {
  static func main() { HelloHTTP2().runOrExit() }

  func run(on runtime: some AsyncRuntime) async throws {
    let listener = try await runtime.listen(on: .loopback(port: Settings.port))
    Hello.print("Listening on http://\(listener.localAddress)")
    let executor = SerialExecutor()
    let handler = Hello { request in
      Hello.print("On \(executor.isCurrent ? "our own executor" : "some other thread"):\n\(request)")
    }
    try await serve(listener, clock: runtime.clock, executor: executor, handler: handler)
  }

  func serve(
    _ listener: some StreamListener, clock: some Clock<Duration>, executor: some Executor, handler: some Handler
  ) async throws {
    try await withThrowingDiscardingTaskGroup { connections in
      while true {
        let stream = try await listener.accept()
        connections.addTask {
          await serveConnection(stream, speaking: .http2, clock: clock, executor: executor, handler: handler)
        }
      }
    }
  }
}

/// Runs jobs one after another on a serial Dispatch queue.
final class SerialExecutor: TaskExecutor, Executor {
  private let queue = DispatchQueue(label: "hello-http2")
  private let mark = DispatchSpecificKey<Bool>()

  init() { queue.setSpecific(key: mark, value: true) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }

  /// Whether the calling code runs in one of the executor's jobs.
  var isCurrent: Bool { DispatchQueue.getSpecific(key: mark) ?? false }
}
