import Glibc

/// Dates as HTTP writes them (RFC 9110 section 5.6.7, IMF-fixdate), in no locale but the RFC's own.
enum HTTPDate {
  /// Appends the date of `second`, counted from the beginning of 1970, as in `Sun, 06 Nov 1994 08:49:37 GMT`.
  static func append(_ second: Int, to bytes: inout [UInt8]) {
    let day = max(0, second) / 86_400
    let time = max(0, second) % 86_400
    let date = civil(fromDay: day)
    // The first of January 1970 was a Thursday.
    appendName(weekdays, at: (day + 4) % 7, to: &bytes)
    bytes.append(contentsOf: ", ".utf8)
    appendTwoDigits(date.day, to: &bytes)
    bytes.append(UInt8(ascii: " "))
    appendName(months, at: date.month - 1, to: &bytes)
    bytes.append(UInt8(ascii: " "))
    appendTwoDigits(date.year / 100, to: &bytes)
    appendTwoDigits(date.year % 100, to: &bytes)
    bytes.append(UInt8(ascii: " "))
    appendTwoDigits(time / 3600, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    appendTwoDigits(time / 60 % 60, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    appendTwoDigits(time % 60, to: &bytes)
    bytes.append(contentsOf: " GMT".utf8)
  }

  private static let weekdays: StaticString = "SunMonTueWedThuFriSat"
  private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

  /// The day, month and year of the Gregorian calendar, `day` days after the first of January 1970.
  ///
  /// It counts in eras of 400 years, which are all alike, and in years that begin in March, so that the leap day comes
  /// last.
  private static func civil(fromDay day: Int) -> (year: Int, month: Int, day: Int) {
    // 719,468 days lie between the first of March of the year 0 and the beginning of 1970; an era has 146,097.
    let shifted = day + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    // Five months from March on have 153 days, over and over.
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }

  private static func appendName(_ names: StaticString, at index: Int, to bytes: inout [UInt8]) {
    names.withUTF8Buffer { bytes.append(contentsOf: $0[index * 3..<index * 3 + 3]) }
  }

  private static func appendTwoDigits(_ number: Int, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number / 10 % 10))
    bytes.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number % 10))
  }
}

/// Now, by the clock on the wall; `time` is a look at a page that the kernel shares, and no system call.
func secondsSince1970() -> Int { time(nil) }
