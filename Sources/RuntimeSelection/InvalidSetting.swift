/// The error of a setting with an invalid value.
public struct InvalidSetting: Error, Hashable, Sendable {
  /// The variable or the flag as it was written, such as `RUNTIME` or `--runtime`.
  public let name: String
  /// The invalid value.
  public let value: String
  /// The valid values, such as "one of concurrency, dispatch, custom" or "a whole number from 1 to 1024".
  public let choices: String

  /// Creates the error: the setting `name` has the value `value`, which is not `choices`.
  public init(_ name: String, value: String, choices: String) {
    self.name = name
    self.value = value
    self.choices = choices
  }
}

extension InvalidSetting: CustomStringConvertible {
  /// A description such as `RUNTIME: "fast" is not one of concurrency, dispatch, custom`.
  public var description: String { "\(name): \(value.debugDescription) is not \(choices)" }
}
