import Runtime

/// A metric with all its series in Prometheus' text format, version 0.0.4.
///
/// Any input results in valid text. Characters that are invalid in a name become `_`, the name of a counter ends in
/// `_total`, labels are escaped, and duplicate series are merged into one with the sum of their values.
struct MetricFamily {
  enum Kind: String {
    case counter, gauge
  }

  /// A label and its value. A label without a value is omitted.
  typealias Label = (name: String, value: String?)

  /// A value in a base unit: a count, bytes or seconds.
  enum Value {
    case count(Int)
    case seconds(Duration)

    static func + (a: Value, b: Value) -> Value {
      switch (a, b) {
      case (.count(let a), .count(let b)): .count(a &+ b)
      case (.seconds(let a), .seconds(let b)): .seconds(a + b)
      case (let a, .count(0)): a
      case (_, let b): b  // All values of a family are of one kind.
      }
    }
  }

  private let name: String
  private let help: String
  private let kind: Kind
  private var series = SeriesList<Value>()

  init(_ kind: Kind, _ name: String, _ help: String) {
    let name = MetricName.valid(name)
    self.name = kind == .counter && !name.hasSuffix("_total") ? name + "_total" : name
    self.help = help
    self.kind = kind
  }

  /// Adds a series with these labels, unless `value` is `nil`.
  mutating func add(_ value: Value?, _ labels: [Label] = []) {
    guard let value else { return }
    series.add(LabelSet(labels), value, merge: +)
  }

  /// Appends the family, or nothing if it has no series.
  func append(to text: inout [UInt8]) {
    guard !series.isEmpty else { return }
    MetricName.appendHead(name, help, kind.rawValue, to: &text)
    for (labels, value) in series {
      text.append(contentsOf: name.utf8)
      labels.append(to: &text)
      text.append(value)
    }
  }
}

/// The series of a family, in the order of insertion.
struct SeriesList<Value>: Sequence {
  private var places: [LabelSet: Int] = [:]
  private var entries: [(labels: LabelSet, value: Value)] = []

  var isEmpty: Bool { entries.isEmpty }

  mutating func add(_ labels: LabelSet, _ value: Value, merge: (Value, Value) -> Value) {
    if let place = places[labels] {
      entries[place].value = merge(entries[place].value, value)
    } else {
      places[labels] = entries.count
      entries.append((labels, value))
    }
  }

  func makeIterator() -> IndexingIterator<[(labels: LabelSet, value: Value)]> { entries.makeIterator() }
}

/// The labels of a series in text form, each name once.
struct LabelSet: Hashable {
  /// The text between the braces.
  private let text: [UInt8]

  init(_ labels: [MetricFamily.Label]) {
    var text: [UInt8] = []
    var names: Set<String> = []
    for (name, value) in labels {
      let name = MetricName.valid(name, isLabel: true)
      guard let value, names.insert(name).inserted else { continue }
      if !text.isEmpty { text.append(UInt8(ascii: ",")) }
      text.append(contentsOf: name.utf8)
      text.append(text: "=\"")
      text.append(escaped: value, withQuotes: true)
      text.append(UInt8(ascii: "\""))
    }
    self.text = text
  }

  /// Appends the labels, followed by `last` if given.
  func append(last: (name: StaticString, value: [UInt8])? = nil, to bytes: inout [UInt8]) {
    guard !text.isEmpty || last != nil else { return }
    bytes.append(UInt8(ascii: "{"))
    bytes.append(contentsOf: text)
    if let last {
      if !text.isEmpty { bytes.append(UInt8(ascii: ",")) }
      bytes.append(text: last.name)
      bytes.append(text: "=\"")
      bytes.append(contentsOf: last.value)
      bytes.append(UInt8(ascii: "\""))
    }
    bytes.append(UInt8(ascii: "}"))
  }
}

enum MetricName {
  /// Returns `name` with invalid characters of a metric or label name replaced by `_`.
  static func valid(_ name: String, isLabel: Bool = false) -> String {
    var result = name.isEmpty ? "_" : ""
    for scalar in name.unicodeScalars {
      let isDigit = ("0"..."9").contains(scalar)
      if isDigit, result.isEmpty { result = "_" }
      let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == ":" && !isLabel
      result.unicodeScalars.append(isDigit || isLetter ? scalar : "_")
    }
    return result
  }

  /// Appends the `HELP` and `TYPE` lines of a family.
  static func appendHead(_ name: String, _ help: String, _ type: String, to text: inout [UInt8]) {
    text.append(text: "# HELP ")
    text.append(contentsOf: name.utf8)
    text.append(UInt8(ascii: " "))
    text.append(escaped: help, withQuotes: false)
    text.append(text: "\n# TYPE ")
    text.append(contentsOf: name.utf8)
    text.append(UInt8(ascii: " "))
    text.append(contentsOf: type.utf8)
    text.append(UInt8(ascii: "\n"))
  }
}

extension [UInt8] {
  /// Appends `text` escaped for a `HELP` line or, with quotes, for a label.
  fileprivate mutating func append(escaped text: String, withQuotes isLabel: Bool) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): append(text: "\\\\")
      case UInt8(ascii: "\n"): append(text: "\\n")
      case UInt8(ascii: "\"") where isLabel: append(text: "\\\"")
      default: append(byte)
      }
    }
  }

  /// Appends a value and a newline.
  mutating func append(_ value: MetricFamily.Value) {
    append(UInt8(ascii: " "))
    switch value {
    case .count(let count): append(decimal: count)
    case .seconds(let duration): append(seconds: duration)
    }
    append(UInt8(ascii: "\n"))
  }
}
