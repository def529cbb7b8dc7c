import Glibc
import Runtime

/// Dates in the format of HTTP (RFC 9110 section 5.6.7, IMF-fixdate), independent of the locale.
enum HTTPDate {
  /// Appends the date of `second`, counted from the beginning of 1970, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
  static func append(_ second: Int, to bytes: inout [UInt8]) {
    let day = max(0, second) / 86_400
    let date = CivilDate(day: day)
    // The first of January 1970 was a Thursday.
    let weekday = (day + 4) % 7
    weekdays.withUTF8Buffer { bytes.append(contentsOf: $0[weekday * 3..<weekday * 3 + 3]) }
    bytes.append(contentsOf: ", ".utf8)
    bytes.append(decimal: date.day, digits: 2)
    bytes.append(UInt8(ascii: " "))
    date.appendMonthName(to: &bytes)
    bytes.append(UInt8(ascii: " "))
    bytes.append(decimal: date.year, digits: 4)
    bytes.append(UInt8(ascii: " "))
    bytes.append(timeOfDay: max(0, second) % 86_400)
    bytes.append(contentsOf: " GMT".utf8)
  }

  private static let weekdays: StaticString = "SunMonTueWedThuFriSat"
}

/// Returns the current wall-clock time. `time` reads a page shared by the kernel, without a system call.
func secondsSince1970() -> Int { time(nil) }
