import Glibc

/// A wall-clock time in UTC, for the timestamps of log lines.
package struct WallTime: Sendable {
  /// Nanoseconds since 1 January 1970, never negative.
  package let nanosecondsSince1970: Int64
  private var nanoseconds: Int64 { nanosecondsSince1970 }

  package init(nanosecondsSince1970 nanoseconds: Int64) { nanosecondsSince1970 = max(0, nanoseconds) }

  /// The current time, read from the vDSO without a system call.
  package static var now: WallTime {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return WallTime(nanosecondsSince1970: Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec))
  }

  /// Returns the time `difference` nanoseconds earlier, but not before 1970.
  package func before(nanoseconds difference: Int64) -> WallTime {
    WallTime(nanosecondsSince1970: nanoseconds - min(max(0, difference), nanoseconds))
  }

  private var second: Int { Int(nanoseconds / 1_000_000_000) }
  private var date: CivilDate { CivilDate(day: second / 86_400) }

  /// Appends the time as in RFC 3339, with milliseconds: `2026-11-28T16:20:00.123Z`.
  package func appendRFC3339(to bytes: inout [UInt8]) {
    let date = date
    bytes.append(decimal: date.year, digits: 4)
    bytes.append(UInt8(ascii: "-"))
    bytes.append(decimal: date.month, digits: 2)
    bytes.append(UInt8(ascii: "-"))
    bytes.append(decimal: date.day, digits: 2)
    bytes.append(UInt8(ascii: "T"))
    bytes.append(timeOfDay: second % 86_400)
    bytes.append(UInt8(ascii: "."))
    bytes.append(decimal: Int(nanoseconds / 1_000_000 % 1000), digits: 3)
    bytes.append(UInt8(ascii: "Z"))
  }

  /// Appends the time as in the Common Log Format, without brackets: `28/Nov/2026:16:20:00 +0000`.
  package func appendCommon(to bytes: inout [UInt8]) {
    let date = date
    bytes.append(decimal: date.day, digits: 2)
    bytes.append(UInt8(ascii: "/"))
    date.appendMonthName(to: &bytes)
    bytes.append(UInt8(ascii: "/"))
    bytes.append(decimal: date.year, digits: 4)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(timeOfDay: second % 86_400)
    bytes.append(text: " +0000")
  }
}
