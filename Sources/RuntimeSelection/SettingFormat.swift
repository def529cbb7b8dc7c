/// The valid values of a setting and their text form, for a program's own settings too.
///
/// ```swift
/// let port = try SettingFormat.wholeNumber(in: 0...65_535).value("8080", of: "PORT")
/// ```
public struct SettingFormat<Value>: Sendable {
  /// A description of the valid values, such as "a whole number from 1 to 1024".
  public let choices: String
  private let parse: @Sendable (String) -> Value?

  /// Creates a format. `parse` returns `nil` for an invalid text.
  public init(choices: String, parse: @escaping @Sendable (String) -> Value?) {
    self.choices = choices
    self.parse = parse
  }

  /// Returns the value that `text` represents.
  ///
  /// - Parameter name: the setting as it was written, such as a variable or a flag, for the error.
  /// - Throws: ``InvalidSetting`` if `text` is invalid.
  public func value(_ text: String, of name: String) throws(InvalidSetting) -> Value {
    guard let value = parse(text) else { throw InvalidSetting(name, value: text, choices: choices) }
    return value
  }
}

extension SettingFormat where Value == Int {
  /// A number within `range`, in decimal digits only.
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
