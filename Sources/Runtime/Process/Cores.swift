import CRuntime
import Glibc

/// Returns the number of processors available to this process: at least one, at most those in its affinity mask, and at
/// most the CPU quota of its control group (version 2 or 1), rounded up. The control group is read from where a
/// container sees its own.
public func availableCores() -> Int {
  let affinity = Int(gearbox_affinity())
  let cores = affinity > 0 ? affinity : machineCores()
  guard let quota = cpuQuota() else { return cores }
  return max(1, min(cores, Int(quota.rounded(.up))))
}

/// Returns the number of processors that are online, whether or not this process may use them.
private func machineCores() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

/// Returns the control group's CPU quota in processors, or `nil` if there is none.
private func cpuQuota() -> Double? {
  if let text = contents("/sys/fs/cgroup/cpu.max") { return quota(v2: text) }
  guard let quota = contents("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").flatMap(firstNumber),
    let period = contents("/sys/fs/cgroup/cpu/cpu.cfs_period_us").flatMap(firstNumber)
  else { return nil }
  return quota > 0 && period > 0 ? quota / period : nil
}

/// Parses the quota of control groups version 2: `max 100000`, or microseconds of quota and of the period.
func quota(v2 text: String) -> Double? {
  let words = text.split(whereSeparator: \.isWhitespace)
  guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]), quota > 0, period > 0
  else { return nil }
  return quota / period
}

func firstNumber(_ text: String) -> Double? {
  text.split(whereSeparator: \.isWhitespace).first.flatMap { Double($0) }
}

/// Returns the first bytes of a small file; `nil` if it cannot be read.
func contents(_ path: String) -> String? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  return withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { buffer in
    let count = read(descriptor, buffer.baseAddress, buffer.count)
    return count > 0 ? String(decoding: UnsafeRawBufferPointer(rebasing: buffer[..<count]), as: UTF8.self) : nil
  }
}
