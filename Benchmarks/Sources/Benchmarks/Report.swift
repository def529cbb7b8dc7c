import Foundation

/// The samples, the machine and the date, as `--json` writes them.
struct Report: Codable {
  var date = Date.now
  var machine = Machine.current
  var rounds: Int
  var results: [Series] = []
}

/// All samples of one figure of one subject.
struct Series: Codable {
  let suite: String
  let benchmark: String
  let subject: String
  let figure: Figure
  let samples: [Double]
  let median: Double

  init(suite: String, benchmark: String, subject: String, figure: Figure, samples: [Double]) {
    self.suite = suite
    self.benchmark = benchmark
    self.subject = subject
    self.figure = figure
    self.samples = samples
    median = Benchmarks.median(samples)
  }
}

/// The machine of the measurement.
struct Machine: Codable {
  var system: String
  var processor: String
  var cores: Int

  static var current: Machine {
    var names = utsname()
    uname(&names)
    let system = withUnsafeBytes(of: names.sysname) { text($0) } + " " + withUnsafeBytes(of: names.release) { text($0) }
    let description = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model = description.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ": ").last
    return Machine(
      system: system, processor: model.map(String.init) ?? "unknown",
      cores: ProcessInfo.processInfo.activeProcessorCount)
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}

func median(_ samples: [Double]) -> Double {
  let sorted = samples.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

extension Benchmark {
  /// Measures all subjects in turn, `rounds` times over, so that a disturbance of the machine affects all of them.
  func run(suite: String, rounds: Int) async throws -> [Series] {
    var samples = subjects.map { _ in figures.map { _ in [Double]() } }
    for _ in 0..<rounds {
      for (column, subject) in subjects.enumerated() {
        for (row, value) in try await subject.measure().enumerated() { samples[column][row].append(value) }
      }
    }
    return figures.indices.flatMap { row in
      subjects.indices.map { column in
        Series(
          suite: suite, benchmark: name, subject: subjects[column].name, figure: figures[row],
          samples: samples[column][row])
      }
    }
  }
}
