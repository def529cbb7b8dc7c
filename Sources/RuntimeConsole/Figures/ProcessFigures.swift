import Glibc
import Runtime

/// What this process uses of its machine, as the kernel tells it. What cannot be found out, as without `/proc`, is `nil`.
public struct ProcessFigures: Hashable, Sendable {
  /// The processor time spent in the program's own code.
  public var userTime: Duration?
  /// The processor time that the kernel has spent for it.
  public var systemTime: Duration?
  /// Its memory that is in the machine's memory, in bytes.
  public var residentBytes: Int?
  /// Its address space, in bytes.
  public var virtualBytes: Int?
  /// Open descriptors.
  public var openDescriptors: Int?
  /// The most descriptors that it may have; `nil` also where there is no limit.
  public var maximumDescriptors: Int?
  /// Its threads.
  public var threads: Int?
  /// When it was started, by the wall clock: the time since the beginning of 1970 in UTC, to a hundredth of a second.
  public var startTime: Duration?

  /// Nothing known.
  public init() {}

  /// The figures of this moment. They take a few system calls, and on kernels before Linux 6.2 one more for some hundreds of
  /// open descriptors.
  public static var current: ProcessFigures { ProcessFigures(directory: "/proc/self") }

  /// - Parameter directory: what the kernel tells of the process.
  init(directory: String) {
    var usage = rusage()
    if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
      userTime = Duration(usage.ru_utime)
      systemTime = Duration(usage.ru_stime)
    }
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      // No limit is the largest number without a sign.
      maximumDescriptors = Int(exactly: limit.rlim_cur)
    }
    openDescriptors = Self.entryCount(of: "\(directory)/fd")
    guard let stat = ProcessStat(file: "\(directory)/stat") else { return }
    threads = stat.threads
    virtualBytes = stat.virtualBytes
    residentBytes = stat.residentPages.map { $0 * sysconf(Int32(_SC_PAGESIZE)) }
    startTime = stat.startTicks == nil ? nil : Self.startOfProcess
  }

  /// Found out once: the clocks that it is computed of do not advance together to the hundredth of a second.
  private static let startOfProcess = ProcessStat(file: "/proc/self/stat")?.startTicks.flatMap(wallTime)

  /// How many entries the directory of descriptors has.
  private static func entryCount(of directory: String) -> Int? {
    var status = stat()
    guard stat(directory, &status) == 0 else { return nil }
    // Since Linux 6.2 that is their number; before it was 0.
    if status.st_size > 0 { return Int(status.st_size) }
    guard let entries = opendir(directory) else { return nil }
    defer { closedir(entries) }
    var count = 0
    while readdir(entries) != nil { count += 1 }
    return max(0, count - 3)  // `.`, `..`, and the descriptor by which it is read.
  }

  /// The wall time at so many ticks after the machine was started.
  private static func wallTime(ticks: Int) -> Duration? {
    let ticksPerSecond = sysconf(Int32(_SC_CLK_TCK))
    guard ticksPerSecond > 0, let sinceBoot = ProcFile.read("/proc/uptime").flatMap(ProcFile.hundredths) else {
      return nil
    }
    let now = Int(WallTime.now.nanosecondsSince1970 / 10_000_000)
    // All in hundredths of a second, which is as exact as the kernel is here.
    return .milliseconds((now - sinceBoot + ticks * 100 / ticksPerSecond) * 10)
  }
}

/// The line of `/proc/self/stat`, as in proc_pid_stat(5).
private struct ProcessStat {
  let threads: Int?
  let startTicks: Int?
  let virtualBytes: Int?
  let residentPages: Int?

  init?(file: String) {
    guard let bytes = ProcFile.read(file), let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    // The second field is the program's name in parentheses, which may hold anything. The third is the first one here.
    let fields = bytes[(end + 1)...].split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
    func number(_ field: Int) -> Int? {
      fields.indices.contains(field - 3) ? Int(String(decoding: fields[field - 3], as: UTF8.self)) : nil
    }
    threads = number(20)
    startTicks = number(22)
    virtualBytes = number(23)
    residentPages = number(24)
  }
}

/// The small files of `/proc`.
private enum ProcFile {
  /// What is at the beginning of `file`, which is shorter than 4 KiB.
  static func read(_ file: String) -> [UInt8]? {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      count = max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
    }
  }

  /// The number at the beginning of a file, which has two decimals, in hundredths.
  static func hundredths(_ bytes: [UInt8]) -> Int? {
    let digits = bytes.prefix { $0 != UInt8(ascii: " ") }.filter { $0 != UInt8(ascii: ".") }
    return Int(String(decoding: digits, as: UTF8.self))
  }
}

extension Duration {
  fileprivate init(_ time: timeval) { self = .seconds(time.tv_sec) + .microseconds(time.tv_usec) }
}
