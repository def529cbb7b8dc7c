import Glibc
public import Runtime
import RuntimeConcurrency
import RuntimeCustom
import RuntimeDispatch

/// A program that can run on any runtime.
///
/// ```swift
/// @main struct Hello: RuntimeProgram {
///   static func main() { Hello().runOrExit() }
///
///   func run(on runtime: some AsyncRuntime) async throws { print("hello from \(runtime.name)") }
/// }
/// ```
///
/// It is a type rather than a closure because a closure cannot be generic: ``run(on:)``, and all code that it calls, is
/// specialised for each runtime.
public protocol RuntimeProgram: Sendable {
  /// The type of the program's result.
  associatedtype Output: Sendable

  /// How long tasks and blocking work may continue after ``run(on:)`` has returned, as in
  /// `AsyncRuntime.shutdown(grace:)`. The default is five seconds.
  var grace: Duration { get }

  /// Runs the program on `runtime`, in a task of that runtime.
  func run(on runtime: some AsyncRuntime) async throws -> Output
}

extension RuntimeProgram {
  public var grace: Duration { .seconds(5) }
}

extension RuntimeSettings {
  /// Starts the runtime, runs `program` on it, and shuts the runtime down. It blocks the calling thread.
  ///
  /// If the address space is limited (`ulimit -v`), all threads share one arena of the allocator from then on.
  ///
  /// - Parameter report: a function called for each stall, as in ``StallOptions/report``. The default writes to
  ///   ``ErrorLog/standard``.
  /// - Throws: `IOError` if the runtime cannot be started, or the error of `program`.
  public func run<Program: RuntimeProgram>(
    _ program: Program, onStall report: @escaping @Sendable (Stall) -> Void = StallOptions().report
  ) throws -> Program.Output {
    saveAddressSpace()
    let stalls = stalls(reportedTo: report)
    // The name becomes a concrete type here, not through `makeRuntime`, so that everything below is specialised for it.
    return switch kind.kind {
    case .concurrency:
      try ConcurrencyRuntime(workers: workers, blocking: blocking, stalls: stalls)
        .run(grace: program.grace, program.run(on:))
    case .dispatch:
      try DispatchRuntime(workers: workers, blocking: blocking, stalls: stalls)
        .run(grace: program.grace, program.run(on:))
    case .custom:
      try CustomRuntime(workers: workers, blocking: blocking, stalls: stalls)
        .run(grace: program.grace, program.run(on:))
    }
  }

  /// Starts the runtime, for a test or a program that is already asynchronous. The caller has to shut it down.
  ///
  /// Code that is generic over its runtime is slower on this one than under ``run(_:onStall:)``, where the type is
  /// known.
  ///
  /// - Throws: `IOError` if the runtime cannot be started.
  public func makeRuntime() throws(IOError) -> any AsyncRuntime {
    switch kind.kind {
    case .concurrency: try ConcurrencyRuntime(workers: workers, blocking: blocking, stalls: stalls())
    case .dispatch: try DispatchRuntime(workers: workers, blocking: blocking, stalls: stalls())
    case .custom: try CustomRuntime(workers: workers, blocking: blocking, stalls: stalls())
    }
  }
}

extension RuntimeProgram {
  /// Runs the program on the runtime that the environment names (see ``RuntimeSettings``). It blocks the calling
  /// thread.
  ///
  /// On an error it writes a line to standard error and ends the process: with status 64 (`EX_USAGE`) for an invalid
  /// variable, and with 1 for any other error.
  ///
  /// Call it from a `main` that is not `async` (see `AsyncRuntime.run(_:)`), before the program opens anything, since
  /// it opens `/dev/null` as standard input, output and error if they are closed. At the end it waits up to a second
  /// until lines queued in `LineWriter.standardError` are written.
  public func runOrExit() -> Output { runOrExit(with: try .fromEnvironment()) }

  /// Runs the program like ``runOrExit()``, but with settings from a source other than the environment.
  ///
  /// - Parameter settings: the settings. If it throws ``InvalidSetting``, the process ends with status 64.
  public func runOrExit(with settings: @autoclosure () throws -> RuntimeSettings) -> Output {
    runOrExit { () throws in try settings().run(self) }
  }

  /// Runs the program like ``runOrExit()``, but `RUNTIME` may also name a runtime of the program's own.
  ///
  /// ```swift
  /// Hello().runOrExit(adding: "nio") { settings in try NIORuntime(loops: settings.workers, blocking: settings.blocking) }
  /// ```
  ///
  /// - Parameters:
  ///   - name: the name of that runtime. The runtime is created only if `RUNTIME` has this value.
  ///   - make: creates the runtime with the other settings.
  public func runOrExit<Added: AsyncRuntime>(
    adding name: String, _ make: (RuntimeSettings) throws -> Added
  ) -> Output {
    runOrExit { () throws in
      guard let settings = try RuntimeSettings.forAdded(name, variable: environmentVariable) else {
        return try RuntimeSettings.fromEnvironment().run(self)
      }
      saveAddressSpace()
      return try make(settings).run(grace: grace, run(on:))
    }
  }

  private func runOrExit(_ body: () throws -> Output) -> Output {
    openStandardDescriptors()
    do {
      let output = try body()
      LineWriter.standardError.flush(within: .seconds(1))
      return output
    } catch {
      let name = CommandLine.arguments.first?.split(separator: "/").last ?? "program"
      LineWriter.standardError.write("\(name): \(error)")
      LineWriter.standardError.flush(within: .seconds(1))
      exit(error is InvalidSetting ? EX_USAGE : EXIT_FAILURE)
    }
  }
}
