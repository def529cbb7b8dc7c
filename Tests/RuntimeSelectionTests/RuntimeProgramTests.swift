import Glibc
import Runtime
import RuntimeCustom
import RuntimeSelection
import RuntimeTestSupport
import Testing

@Suite struct RuntimeProgramTests {
  private struct Census: RuntimeProgram {
    func run(on runtime: some AsyncRuntime) async throws -> String { "\(runtime.name) \(runtime.workerCount)" }
  }

  private struct Failure: RuntimeProgram {
    struct Mishap: Error {}
    func run(on runtime: some AsyncRuntime) async throws { throw Mishap() }
  }

  @Test(arguments: RuntimeKind.allCases)
  func theProgramRunsOnTheRuntimeThatWasChosen(kind: RuntimeKind) async throws {
    let census = try await onThreadOfItsOwn { try RuntimeSettings(kind: kind, workers: 2).run(Census()) }
    #expect(census == "\(kind.rawValue) 2")
  }

  @Test(arguments: RuntimeKind.allCases)
  func withoutANumberThereIsAtLeastOneWorker(kind: RuntimeKind) async throws {
    let census = try await onThreadOfItsOwn { try RuntimeSettings(kind: kind).run(Census()) }
    #expect(Int(census.split(separator: " ")[1]) ?? 0 >= 1)
  }

  @Test(arguments: RuntimeKind.allCases)
  func `The chosen runtime is made, and runs until it is shut down`(
    kind: RuntimeKind
  ) async throws {
    let runtime = try RuntimeSettings(kind: kind, workers: 2).makeRuntime()
    #expect("\(runtime.name) \(runtime.workerCount)" == "\(kind.rawValue) 2")
    let answer = try await runtime.spawn { 42 }.value
    #expect(answer == 42)
    await runtime.shutdown()
  }

  @Test(arguments: RuntimeKind.allCases)
  func whatTheProgramThrowsIsThrown(kind: RuntimeKind) async {
    await #expect(throws: Failure.Mishap.self) {
      try await onThreadOfItsOwn { try RuntimeSettings(kind: kind, workers: 1).run(Failure()) }
    }
  }

  @Test func runOrExitGivesWhatTheProgramReturns() async {
    let census = await onThreadOfItsOwn { Census().runOrExit() }
    #expect(!census.isEmpty)
  }

  @Test func runOrExitSaysWhatTheProgramHasThrownAndEndsWithOne() async {
    let result = await #expect(processExitsWith: .exitCode(EXIT_FAILURE), observing: [\.standardErrorContent]) {
      await onThreadOfItsOwn { Failure().runOrExit() }
    }
    let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(said.hasSuffix(": Mishap()\n"))
  }

  @Test func runOrExitSaysWhichVariableMakesNoSenseAndEndsWithSixtyFour() async {
    let result = await #expect(processExitsWith: .exitCode(EX_USAGE), observing: [\.standardErrorContent]) {
      setenv("RUNTIME", "fast", 1)
      await onThreadOfItsOwn { Failure().runOrExit() }
    }
    let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(said.hasSuffix(": RUNTIME: \"fast\" is not one of concurrency, dispatch, custom\n"))
  }

  @Test(arguments: ["mine", "dispatch"])
  func `A runtime that the program adds is made if it is chosen`(name: String) async {
    await #expect(processExitsWith: .success) { [name] in
      setenv("RUNTIME", name, 1)
      setenv("RUNTIME_WORKERS", "3", 1)
      let census = await onThreadOfItsOwn { Census().runOrExit(adding: "mine", Self.makeMine) }
      #expect(census == (name == "mine" ? "custom 4" : "\(name) 3"))
    }
  }

  @Test func `The error for an unknown runtime lists the one that the program adds`() async {
    let result = await #expect(processExitsWith: .exitCode(EX_USAGE), observing: [\.standardErrorContent]) {
      setenv("RUNTIME", "fast", 1)
      _ = await onThreadOfItsOwn { Census().runOrExit(adding: "mine", Self.makeMine) }
    }
    let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(said.hasSuffix(": RUNTIME: \"fast\" is not one of concurrency, dispatch, custom, mine\n"))
  }

  /// A runtime with one more worker than requested, to distinguish it from the library's.
  private static func makeMine(_ settings: RuntimeSettings) throws -> CustomRuntime {
    try CustomRuntime(workers: settings.workers.map { $0 + 1 })
  }
}
