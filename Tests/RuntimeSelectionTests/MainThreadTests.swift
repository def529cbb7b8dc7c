import Glibc
import RuntimeSelection
import RuntimeTestSupport
import Testing

/// Programs whose main thread is blocked in `run`.
@Suite(.timeLimit(.minutes(5))) struct MainThreadTests {
  private static func output(of mode: String, _ kind: RuntimeKind, isAlone: Bool) async throws -> [String] {
    let program = try Program(
      "MainThreadProgram", [mode] + (isAlone ? ["one-worker"] : []), environment: ["RUNTIME=\(kind.rawValue)"])
    var lines: [String] = []
    while let line = await program.readLine() { lines.append(line) }
    #expect(await program.end() == .exited(0))
    return lines
  }

  @Test(arguments: RuntimeKind.allCases, [false, true])
  func `The main actor's jobs run on the main thread while run blocks it`(kind: RuntimeKind, isAlone: Bool) async throws
  {
    let lines = try await Self.output(of: "main-actor", kind, isAlone: isAlone)
    #expect(lines == ["201 calls, all of them on the main thread: true", "end"])
  }

  @Test(arguments: RuntimeKind.allCases)
  func `The main actor's jobs run while run shuts the runtime down`(kind: RuntimeKind) async throws {
    let lines = try await Self.output(of: "main-actor-at-the-end", kind, isAlone: false)
    #expect(lines == ["called in the end: true", "end"])
  }

  @Test(arguments: RuntimeKind.allCases, ["blocked-pool", "blocked-dispatch"])
  func `run returns though other threads than its own are blocked`(
    kind: RuntimeKind, mode: String
  ) async throws {
    #expect(try await Self.output(of: mode, kind, isAlone: false) == ["end"])
  }

  @Test(arguments: RuntimeKind.allCases)
  func `run throws its body's error after blocking the main thread`(kind: RuntimeKind) async throws {
    #expect(try await Self.output(of: "mishap", kind, isAlone: false) == ["mishap", "end"])
  }
}
