import Configuration
import RuntimeSelection

extension ConfigReader {
  /// Returns the value of `key`, if there is one.
  ///
  /// - Throws: `InvalidSetting` with the key, the value and the choices if the value does not have the `format`.
  func value<Value>(_ key: String, _ format: SettingFormat<Value>) throws(InvalidSetting) -> Value? {
    guard let text = text(key) else { return nil }
    return try format.value(text, of: key)
  }

  /// Returns the value of `key` as text, whatever its type in a file. A reader treats a value of an unexpected type as
  /// missing, which would hide mistakes.
  private func text(_ key: String) -> String? {
    let key = ConfigKey(stringLiteral: key)
    if let text = string(forKey: key) { return text.isEmpty ? nil : text }
    if let number = int(forKey: key) { return "\(number)" }
    if let number = double(forKey: key) { return "\(number)" }
    if let isTrue = bool(forKey: key) { return "\(isTrue)" }
    if let texts = stringArray(forKey: key) { return "\(texts)" }
    if let numbers = intArray(forKey: key) { return "\(numbers)" }
    return nil
  }
}

extension SettingFormat where Value == Duration {
  /// A time in seconds, optionally with a fraction.
  static var seconds: SettingFormat {
    // At most a year: a longer time is a mistake and would overflow elsewhere.
    SettingFormat(choices: "a number of seconds from 0 to 31536000") { text in
      // `Double` also accepts `0x1`, `1e3` and `inf`.
      guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".") }),
        let seconds = Double(text), (0...31_536_000).contains(seconds)
      else { return nil }
      return .seconds(seconds)
    }
  }
}

extension SettingFormat where Value == String {
  /// Any text.
  static var text: SettingFormat { SettingFormat(choices: "text") { $0 } }
}
