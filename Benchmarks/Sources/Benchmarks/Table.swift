import Foundation

/// A table of medians as text: a row per figure, a column per subject.
struct Table {
  private var rows: [[String]]
  private let subjects: [String]
  private let baseline: String

  init(subjects: [String], baseline: String) {
    self.subjects = subjects
    self.baseline = baseline
    rows = [["", "unit"] + subjects]
  }

  /// Adds a row: the results of one figure for each subject that has one.
  mutating func add(_ results: [Series]) {
    guard let figure = results.first?.figure else { return }
    let reference = results.first { $0.subject == baseline }?.median
    rows.append(
      [figure.title, figure.unit]
        + subjects.map { subject in
          guard let result = results.first(where: { $0.subject == subject }) else { return "" }
          return Self.cell(result.median, reference, figure.better)
        })
  }

  /// A median, and how many times as good as the reference that is.
  private static func cell(_ value: Double, _ reference: Double?, _ better: Figure.Direction) -> String {
    guard let reference, reference > 0, value > 0 else { return rounded(value) }
    return "\(rounded(value)) (\(rounded(better == .higher ? value / reference : reference / value)))"
  }

  /// The number with three significant digits.
  private static func rounded(_ value: Double) -> String {
    let decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
    return value.formatted(.number.precision(.fractionLength(decimals)).grouping(.never))
  }

  var text: String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column < 2 ? row[column] + padding : padding + row[column]
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}
