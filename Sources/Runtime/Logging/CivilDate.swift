/// A date of the Gregorian calendar.
package struct CivilDate: Sendable {
  package let year: Int
  /// The month, 1 to 12.
  package let month: Int
  /// The day of the month, from 1.
  package let day: Int

  /// Creates the date `day` days after 1 January 1970.
  ///
  /// It counts in eras of 400 years, which all have the same length, and in years that begin in March, so that the leap
  /// day comes last.
  package init(day: Int) {
    // 719,468 days lie between 1 March of the year 0 and 1 January 1970. An era has 146,097 days.
    let shifted = day + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    // Every five months from March have 153 days.
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    self.day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
  }

  /// Appends the three-letter English abbreviation of the month.
  package func appendMonthName(to bytes: inout [UInt8]) {
    Self.months.withUTF8Buffer { bytes.append(contentsOf: $0[(month - 1) * 3..<month * 3]) }
  }

  private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
}
