import Dispatch
import Foundation

@main struct Main {
  /// Not `async`: valgrind crashes with the way in which the main thread would wait.
  static func main() {
    let hasEnded = DispatchSemaphore(value: 0)
    Task.detached {
      do {
        try await run()
      } catch {
        fail("\(error)", status: EXIT_FAILURE)
      }
      hasEnded.signal()
    }
    hasEnded.wait()
  }

  private static func run() async throws {
    let invocation: Invocation
    do {
      invocation = try Invocation(Array(CommandLine.arguments.dropFirst()))
    } catch {
      fail("\(error)\n\n\(Invocation.usage)", status: EX_USAGE)
    }
    if invocation.isHelp { return print(Invocation.usage) }
    if let load = invocation.countedLoad {
      do {
        return try await load.run()
      } catch let error as Unavailable {
        fail("\(error)", status: EX_USAGE)
      }
    }

    var report = Report(rounds: invocation.rounds)
    for suite in suites where invocation.wants(suite: suite.name) {
      do {
        try await run(suite, invocation, &report)
      } catch let error as Unavailable {
        fail("\(suite.name): \(error)", status: EX_UNAVAILABLE)
      }
    }
    guard let path = invocation.jsonPath else { return }
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    do {
      try encoder.encode(report).write(to: URL(filePath: path))
    } catch {
      fail("cannot write \(path): \(error.localizedDescription)", status: EX_CANTCREAT)
    }
  }

  private static func run(_ suite: any Suite.Type, _ invocation: Invocation, _ report: inout Report) async throws {
    let benchmarks = try suite.benchmarks().map { $0.limited(to: invocation.subjects) }
    if let name = invocation.names.first(where: { name in
      name.hasPrefix(suite.name + "/") && !benchmarks.contains { name == "\(suite.name)/\($0.name)" }
    }) {
      let known = benchmarks.map { "\(suite.name)/\($0.name)" }.joined(separator: ", ")
      fail("there is no benchmark \(name); there is \(known)", status: EX_USAGE)
    }
    var results: [Series] = []
    for benchmark in benchmarks where invocation.wants(suite: suite.name, benchmark: benchmark.name) {
      writeToStandardError("\(suite.name)/\(benchmark.name) ...")
      results += try await benchmark.run(suite: suite.name, rounds: invocation.rounds)
    }
    report.results += results

    var subjects: [String] = []
    for result in results where !subjects.contains(result.subject) { subjects.append(result.subject) }
    var table = Table(subjects: subjects, baseline: suite.baseline)
    for benchmark in benchmarks {
      for figure in benchmark.figures {
        table.add(results.filter { $0.benchmark == benchmark.name && $0.figure.name == figure.name })
      }
    }
    print("\(suite.name): \(suite.summary)")
    print("Medians of \(invocation.rounds); in brackets, how many times as good as \(suite.baseline).\n")
    print(table.text, "\n")
  }

  /// Writes progress and errors to standard error, since they are not part of the result.
  private static func writeToStandardError(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

  private static func fail(_ text: String, status: Int32) -> Never {
    writeToStandardError("Benchmarks: " + text)
    exit(status)
  }
}
