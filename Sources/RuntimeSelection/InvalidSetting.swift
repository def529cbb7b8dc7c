/// A setting with a value that it cannot have.
public struct InvalidSetting: Error, Hashable, Sendable {
  /// The variable or the flag, as it was written: `RUNTIME`, `--runtime`.
  public let name: String
  /// The value that was given.
  public let value: String
  /// What it has to be: "one of concurrency, dispatch, custom", "a whole number from 1 to 1024".
  public let choices: String

  /// The setting `name` cannot be `value`, since it has to be `choices`.
  public init(_ name: String, value: String, choices: String) {
    self.name = name
    self.value = value
    self.choices = choices
  }
}

extension InvalidSetting: CustomStringConvertible {
  /// As in `RUNTIME: "fast" is not one of concurrency, dispatch, custom`.
  public var description: String { "\(name): \(value.debugDescription) is not \(choices)" }
}
