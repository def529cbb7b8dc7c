/// A day of the Gregorian calendar.
package struct CivilDate: Sendable {
  package let year: Int
  /// From 1 on.
  package let month: Int
  /// From 1 on.
  package let day: Int

  /// The date `day` days after the first of January 1970.
  ///
  /// It counts in eras of 400 years, which are all alike, and in years that begin in March, so that the leap day comes
  /// last.
  package init(day: Int) {
    // 719,468 days lie between the first of March of the year 0 and the beginning of 1970; an era has 146,097.
    let shifted = day + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    // Five months from March on have 153 days, over and over.
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    self.day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
  }

  /// Appends the English name of the month, in three letters.
  package func appendMonthName(to bytes: inout [UInt8]) {
    Self.months.withUTF8Buffer { bytes.append(contentsOf: $0[(month - 1) * 3..<month * 3]) }
  }

  private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
}
