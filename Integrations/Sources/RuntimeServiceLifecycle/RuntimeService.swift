public import Runtime
public import ServiceLifecycle

/// A runtime as a service of a `ServiceGroup`: it is there until the group shuts down, and is ended then.
///
/// It is for programs whose group runs elsewhere than on the runtime, as in an `async` main function. Put it first, since a
/// group shuts its services down in the reverse order: what uses the runtime is to end before it does. A program under
/// `RuntimeProgram` needs none, as its runtime ends when it returns.
public struct RuntimeService<R: AsyncRuntime>: Service {
  private let runtime: R
  private let grace: Duration

  /// - Parameter grace: how long tasks and blocking work have to end, before they are cancelled and left.
  public init(_ runtime: R, grace: Duration = .seconds(5)) {
    self.runtime = runtime
    self.grace = grace
  }

  /// Waits for the group's shutdown, or for being cancelled, and ends the runtime. It must not be called on that runtime.
  public func run() async throws {
    try? await gracefulShutdown()
    await runtime.shutdown(grace: grace)
  }
}
