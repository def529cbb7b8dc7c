/// A measurement made in the same way on several subjects, so that they can be compared.
struct Benchmark {
  /// One word, which names it on the command line and in the JSON.
  let name: String
  /// The results of one measurement.
  let figures: [Figure]
  /// The measured subjects, in the order of the table's columns.
  let subjects: [Subject]

  /// The benchmark limited to the named subjects; all of them if `names` is empty.
  func limited(to names: [String]) -> Benchmark {
    guard !names.isEmpty else { return self }
    return Benchmark(name: name, figures: figures, subjects: subjects.filter { names.contains($0.name) })
  }
}

/// One number of a measurement.
struct Figure: Codable {
  /// One word, unique within the benchmark.
  let name: String
  /// The heading in the table.
  let title: String
  let unit: String
  /// Whether higher or lower values are better.
  let better: Direction

  enum Direction: String, Codable {
    case higher, lower
  }
}

/// A measured subject: a backend, or what it is compared with.
struct Subject {
  let name: String
  /// Measures once, and returns a value for each figure of the benchmark, in their order.
  let measure: () async throws -> [Double]
}

/// A group of related benchmarks.
protocol Suite: SendableMetatype {
  /// One word, which names it on the command line.
  static var name: String { get }
  /// Its purpose, in one line.
  static var summary: String { get }
  /// The subject that the ratios of the others refer to.
  static var baseline: String { get }
  /// Sets up the subjects. Called only if one of the benchmarks is to run; the subjects live until the process ends.
  static func benchmarks() throws -> [Benchmark]
}

/// All suites.
let suites: [any Suite.Type] = [HTTPSuite.self, SchedulerSuite.self]
