import Glibc
public import Runtime
import RuntimeConcurrency
import RuntimeCustom
import RuntimeDispatch

/// What is to be done on whichever runtime is chosen.
///
/// ```swift
/// @main struct Hello: RuntimeProgram {
///   static func main() { Hello().runOrExit() }
///
///   func run(on runtime: some AsyncRuntime) async throws { print("hello from \(runtime.name)") }
/// }
/// ```
///
/// It is a type rather than a closure because a closure cannot be generic: ``run(on:)`` is compiled for each runtime,
/// and so is all that it calls.
public protocol RuntimeProgram: Sendable {
  /// What comes of it.
  associatedtype Output: Sendable

  /// How long tasks and blocking work have, once ``run(on:)`` has returned, before they are cancelled and left: five
  /// seconds, unless it says otherwise.
  var grace: Duration { get }

  /// Does it on `runtime`, in a task of that runtime.
  func run(on runtime: some AsyncRuntime) async throws -> Output
}

extension RuntimeProgram {
  public var grace: Duration { .seconds(5) }
}

extension RuntimeSettings {
  /// Starts the runtime, runs `program` on it, and ends the runtime; the calling thread waits.
  ///
  /// Where the address space is limited (`ulimit -v`), all threads share one arena of the allocator from then on.
  ///
  /// - Parameter report: what learns of jobs that keep a worker for long, as ``StallOptions/report`` does: by default it
  ///   writes to ``ErrorLog/standard``.
  /// - Throws: `IOError` if the runtime cannot be started, and what `program` throws.
  public func run<Program: RuntimeProgram>(
    _ program: Program, onStall report: @escaping @Sendable (Stall) -> Void = StallOptions().report
  ) throws -> Program.Output {
    saveAddressSpace()
    let stalls = stalls(reportedTo: report)
    // Here a name becomes a type, and not by way of `makeRuntime`: everything below is specialised for it.
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

  /// Starts the runtime, for a test or a program that is asynchronous already. The caller shuts it down.
  ///
  /// What is generic over its runtime is slower on this one than under ``run(_:)``, which knows the runtime's type.
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
  /// Runs the program on the runtime that the environment names (see ``RuntimeSettings``); the calling thread waits.
  ///
  /// Where that fails, it says why in a line on standard error and ends the process: with status 64 (`EX_USAGE`) for a
  /// variable that makes no sense, and with 1 for anything else that is thrown.
  ///
  /// Call it from a `main` that is not `async` (see `AsyncRuntime.run(_:)`), and before the program opens anything:
  /// standard input, output and error are opened on `/dev/null` where they are closed. At the end, lines that wait in
  /// `LineWriter.standardError` are written, for no longer than a second.
  public func runOrExit() -> Output { runOrExit(with: try .fromEnvironment()) }

  /// Runs the program as ``runOrExit()`` does, on the runtime that `settings` name: for settings from elsewhere than the
  /// environment.
  ///
  /// - Parameter settings: an ``InvalidSetting`` that it throws ends the process with status 64.
  public func runOrExit(with settings: @autoclosure () throws -> RuntimeSettings) -> Output {
    runOrExit { () throws in try settings().run(self) }
  }

  /// Runs the program as ``runOrExit()`` does, where `RUNTIME` may also name a runtime of the program's own.
  ///
  /// ```swift
  /// Hello().runOrExit(adding: "nio") { settings in try NIORuntime(loops: settings.workers, blocking: settings.blocking) }
  /// ```
  ///
  /// - Parameters:
  ///   - name: what `RUNTIME` calls that runtime. It is not used unless it is asked for.
  ///   - make: makes it, of the settings beside its name.
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
