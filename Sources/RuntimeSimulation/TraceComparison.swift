extension SimulationTrace {
  /// Where this run and `other` part, for people: the last lines that both have, then the next ones of each.
  ///
  /// - Parameters:
  ///   - lineCount: how many lines of each kind to show.
  /// - Returns: several lines; `nil` if the runs are the same.
  public func comparison(with other: SimulationTrace, lines lineCount: Int = 5) -> String? {
    guard let line = firstDifference(from: other)?.line else { return nil }
    func next(of trace: SimulationTrace, _ sign: String) -> [String] {
      let rest = trace.lines.dropFirst(line)
      let left = rest.count - lineCount
      return rest.prefix(lineCount).map { "\(sign) \($0)" } + (left > 0 ? ["\(sign) (and \(left) more)"] : [])
    }
    let before = lines[..<line].suffix(lineCount).map { "  \($0)" }
    return
      ([line == 0 ? "The runs have nothing in common:" : "The runs part after line \(line):"] + before
      + next(of: self, "-") + next(of: other, "+")).joined(separator: "\n")
  }
}
