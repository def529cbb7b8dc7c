/// Something that is measured in the same way on several subjects, so that they can be compared.
struct Benchmark {
  /// One word, by which it is chosen on the command line and found in the JSON.
  let name: String
  /// What one measurement gives.
  let figures: [Figure]
  /// Who is measured, in the order of the table's columns.
  let subjects: [Subject]

  /// The same, of those subjects alone; of all if there are none.
  func limited(to names: [String]) -> Benchmark {
    guard !names.isEmpty else { return self }
    return Benchmark(name: name, figures: figures, subjects: subjects.filter { names.contains($0.name) })
  }
}

/// One number that a measurement gives.
struct Figure: Codable {
  /// One word, unlike any other of the benchmark.
  let name: String
  /// What a person reads in the table.
  let title: String
  let unit: String
  /// Which way is better.
  let better: Direction

  enum Direction: String, Codable {
    case higher, lower
  }
}

/// Somebody to be measured: a backend, or what it is compared with.
struct Subject {
  let name: String
  /// Measures once, and gives a value for each figure of the benchmark, in their order.
  let measure: () async throws -> [Double]
}

/// Benchmarks that belong together.
protocol Suite: SendableMetatype {
  /// One word, by which it is chosen on the command line.
  static var name: String { get }
  /// What it measures, in a line.
  static var summary: String { get }
  /// The subject that the others' ratios are taken to.
  static var baseline: String { get }
  /// Sets up what is measured. Called only if any of it is wanted; it all ends with the process.
  static func benchmarks() throws -> [Benchmark]
}

/// All suites. A new one is a file of its own, and a word here.
let suites: [any Suite.Type] = [HTTPSuite.self, SchedulerSuite.self]
