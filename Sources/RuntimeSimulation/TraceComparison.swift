extension SimulationTrace {
  /// Returns a comparison with `other` for people: the last lines that both traces share, then the next lines of each.
  ///
  /// - Parameters:
  ///   - other: the trace of another run.
  ///   - lineCount: the number of lines to show of each kind.
  /// - Returns: several lines; `nil` if the traces are equal.
  public func comparison(with other: SimulationTrace, lines lineCount: Int = 5) -> String? {
    guard let line = firstDifference(from: other)?.line else { return nil }
    func next(of trace: SimulationTrace, _ sign: String) -> [String] {
      let rest = trace.lines.dropFirst(line)
      let left = rest.count - lineCount
      return rest.prefix(lineCount).map { "\(sign) \($0)" } + (left > 0 ? ["\(sign) (and \(left) more)"] : [])
    }
    let before = lines[..<line].suffix(lineCount).map { "  \($0)" }
    return
      ([line == 0 ? "The runs have nothing in common:" : "The runs differ after line \(line):"] + before
      + next(of: self, "-") + next(of: other, "+")).joined(separator: "\n")
  }
}
