/// What values a setting can have, and how they are written: for settings of a program beside those of its runtime.
///
/// ```swift
/// let port = try SettingFormat.wholeNumber(in: 0...65_535).value("8080", of: "PORT")
/// ```
public struct SettingFormat<Value>: Sendable {
  /// What there is to choose from, for a person to read: "a whole number from 1 to 1024".
  public let choices: String
  private let parse: @Sendable (String) -> Value?

  /// Values that `parse` finds in a text; it returns `nil` for any other text.
  public init(choices: String, parse: @escaping @Sendable (String) -> Value?) {
    self.choices = choices
    self.parse = parse
  }

  /// The value that `text` spells.
  ///
  /// - Parameter name: what the setting is called where it was given: a variable, a flag.
  /// - Throws: ``InvalidSetting`` if it spells none.
  public func value(_ text: String, of name: String) throws(InvalidSetting) -> Value {
    guard let value = parse(text) else { throw InvalidSetting(name, value: text, choices: choices) }
    return value
  }
}

extension SettingFormat where Value == Int {
  /// A number within `range`, in decimal digits alone.
  public static func wholeNumber(in range: ClosedRange<Int>) -> SettingFormat {
    SettingFormat(choices: "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
      guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = Int(text),
        range.contains(number)
      else { return nil }
      return number
    }
  }
}

extension SettingFormat where Value == RuntimeKind {
  /// The name of a runtime, as in `RUNTIME`.
  public static var runtime: SettingFormat {
    SettingFormat(choices: "one of " + RuntimeKind.allCases.map(\.rawValue).joined(separator: ", ")) {
      RuntimeKind(rawValue: $0)
    }
  }
}
