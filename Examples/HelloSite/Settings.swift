import Glibc

/// The settings of the first servers of the road, from environment variables.
public enum Settings {
  /// `PORT`: the port on 127.0.0.1. With 0 the system chooses one.
  public static let port = number("PORT", UInt16.init) ?? 7878

  /// `SLEEP`: how many seconds `/sleep` takes.
  public static let sleep = Duration.seconds(number("SLEEP", Double.init) ?? 5)

  private static func number<Number>(_ name: String, _ parse: (String) -> Number?) -> Number? {
    guard let text = getenv(name) else { return nil }
    guard let number = parse(String(cString: text)) else {
      print("\(name) has to be a number")
      exit(EX_USAGE)
    }
    return number
  }
}
