import Glibc
import Runtime

/// The resource usage of this process, as reported by the kernel. Values that are unavailable, for example without
/// `/proc`, are `nil`.
public struct ProcessFigures: Hashable, Sendable {
  /// The processor time spent in user mode.
  public var userTime: Duration?
  /// The processor time spent in the kernel.
  public var systemTime: Duration?
  /// The resident memory in bytes.
  public var residentBytes: Int?
  /// The size of the address space in bytes.
  public var virtualBytes: Int?
  /// The number of open descriptors.
  public var openDescriptors: Int?
  /// The limit of open descriptors; `nil` also if there is no limit.
  public var maximumDescriptors: Int?
  /// The number of threads.
  public var threads: Int?
  /// The start time by the wall clock, as the time since 1970 in UTC, with a resolution of 10 ms.
  public var startTime: Duration?

  /// Creates a value in which nothing is known.
  public init() {}

  /// The current resource usage. It takes a few system calls, and on kernels before Linux 6.2 an additional one per
  /// some hundred open descriptors.
  public static var current: ProcessFigures { ProcessFigures(directory: "/proc/self") }

  /// Reads the usage of a process.
  ///
  /// - Parameter directory: the process's directory in `/proc`.
  init(directory: String) {
    var usage = rusage()
    if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
      userTime = Duration(usage.ru_utime)
      systemTime = Duration(usage.ru_stime)
    }
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      // `RLIM_INFINITY` does not fit and becomes `nil`.
      maximumDescriptors = Int(exactly: limit.rlim_cur)
    }
    openDescriptors = Self.entryCount(of: "\(directory)/fd")
    guard let stat = ProcessStat(file: "\(directory)/stat") else { return }
    threads = stat.threads
    virtualBytes = stat.virtualBytes
    residentBytes = stat.residentPages.map { $0 * sysconf(Int32(_SC_PAGESIZE)) }
    startTime = stat.startTicks == nil ? nil : Self.startOfProcess
  }

  /// Computed once, because the clocks that it depends on do not advance in step to 10 ms.
  private static let startOfProcess = ProcessStat(file: "/proc/self/stat")?.startTicks.flatMap(wallTime)

  /// Returns the number of entries of the descriptor directory.
  private static func entryCount(of directory: String) -> Int? {
    var status = stat()
    guard stat(directory, &status) == 0 else { return nil }
    // Since Linux 6.2 `st_size` is the number of entries. Before, it was 0.
    if status.st_size > 0 { return Int(status.st_size) }
    guard let entries = opendir(directory) else { return nil }
    defer { closedir(entries) }
    var count = 0
    while readdir(entries) != nil { count += 1 }
    return max(0, count - 3)  // Without `.`, `..` and the descriptor that reads it.
  }

  /// Returns the wall-clock time `ticks` after the boot of the machine.
  private static func wallTime(ticks: Int) -> Duration? {
    let ticksPerSecond = sysconf(Int32(_SC_CLK_TCK))
    guard ticksPerSecond > 0, let sinceBoot = ProcFile.read("/proc/uptime").flatMap(ProcFile.hundredths) else {
      return nil
    }
    let now = Int(WallTime.now.nanosecondsSince1970 / 10_000_000)
    // In hundredths of a second, the kernel's resolution here.
    return .milliseconds((now - sinceBoot + ticks * 100 / ticksPerSecond) * 10)
  }
}

/// The line in `/proc/self/stat`; see proc_pid_stat(5).
private struct ProcessStat {
  let threads: Int?
  let startTicks: Int?
  let virtualBytes: Int?
  let residentPages: Int?

  init?(file: String) {
    guard let bytes = ProcFile.read(file), let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    // The second field is the program's name in parentheses and may contain anything. The third field comes first here.
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

/// Reads small files of `/proc`.
private enum ProcFile {
  /// Returns the content of `file`, which is shorter than 4 KiB.
  static func read(_ file: String) -> [UInt8]? {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      count = max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
    }
  }

  /// Returns the number with two decimals at the beginning of a file, in hundredths.
  static func hundredths(_ bytes: [UInt8]) -> Int? {
    let digits = bytes.prefix { $0 != UInt8(ascii: " ") }.filter { $0 != UInt8(ascii: ".") }
    return Int(String(decoding: digits, as: UTF8.self))
  }
}

extension Duration {
  fileprivate init(_ time: timeval) { self = .seconds(time.tv_sec) + .microseconds(time.tv_usec) }
}
