public import Runtime
public import ServiceLifecycle

/// A runtime as a service of a `ServiceGroup`. It runs until the group shuts down, and is then shut down too.
///
/// Use it in programs whose group does not run on the runtime, as in an `async` main function. Put it first: a group
/// shuts its services down in reverse order, and services that use the runtime must end before it. A `RuntimeProgram`
/// does not need it, because its runtime ends when the program returns.
public struct RuntimeService<R: AsyncRuntime>: Service {
  private let runtime: R
  private let grace: Duration

  /// Creates a service.
  ///
  /// - Parameter grace: how long tasks and blocking work may continue; see `AsyncRuntime.shutdown(grace:)`.
  public init(_ runtime: R, grace: Duration = .seconds(5)) {
    self.runtime = runtime
    self.grace = grace
  }

  /// Waits for the group's shutdown, or for cancellation, and shuts the runtime down. It must not be called on that
  /// runtime.
  public func run() async throws {
    try? await gracefulShutdown()
    await runtime.shutdown(grace: grace)
  }
}
