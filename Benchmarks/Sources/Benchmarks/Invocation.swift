/// The parsed command line.
struct Invocation: Equatable {
  /// The suites or benchmarks to run, as in `scheduler` or `scheduler/yield`. Empty: all.
  var names: [String] = []
  /// The subjects to measure. Empty: all.
  var subjects: [String] = []
  var rounds = 5
  var jsonPath: String?
  /// A load to run for a tool that counts instructions, in place of benchmarks.
  var countedLoad: CountedLoad?
  var isHelp = false

  /// The error for an invalid command line, with the reason.
  struct UsageError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  static let usage = """
    usage: Benchmarks [NAME ...] [--subject NAME ...] [--rounds COUNT] [--json FILE]
           Benchmarks --count SUBJECT BENCHMARK COUNT

    Measures on every backend and prints medians; in brackets, how many times as good as the baseline they are.
      NAME            a suite, or a benchmark as in scheduler/yield; all if there is none
      --subject NAME  measure this one alone; may be given several times
      --rounds COUNT  how often each subject is measured (5)
      --json FILE     where to write all samples
      --count         run that so often and measure nothing: for scripts/check-costs, which counts instructions
    """

  init(_ arguments: [String]) throws(UsageError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h": isHelp = true
      case "--subject":
        guard let name = rest.popFirst() else { throw UsageError("--subject takes the name of a column") }
        subjects.append(name)
      case "--rounds":
        guard let count = rest.popFirst().flatMap({ Int($0) }), count > 0 else {
          throw UsageError("--rounds takes a number of rounds, at least 1")
        }
        rounds = count
      case "--json":
        guard let path = rest.popFirst() else { throw UsageError("--json takes a file to write") }
        jsonPath = path
      case "--count":
        guard let subject = rest.popFirst(), let name = rest.popFirst(),
          let count = rest.popFirst().flatMap({ Int($0) }), count > 0
        else { throw UsageError("--count takes a column, a benchmark and a number") }
        countedLoad = CountedLoad(subject: subject, name: name, count: count)
      case let name where name.hasPrefix("-"): throw UsageError("there is no option \(name)")
      case let name:
        let suite = name.split(separator: "/", maxSplits: 1).first.map(String.init) ?? name
        guard suites.contains(where: { $0.name == suite }) else {
          throw UsageError("there is no suite \(suite); there is \(suites.map { $0.name }.joined(separator: ", "))")
        }
        names.append(name)
      }
    }
  }

  func wants(suite: String) -> Bool { names.isEmpty || names.contains { $0 == suite || $0.hasPrefix(suite + "/") } }

  func wants(suite: String, benchmark: String) -> Bool {
    names.isEmpty || names.contains(suite) || names.contains("\(suite)/\(benchmark)")
  }
}
