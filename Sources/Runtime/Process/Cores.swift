import CRuntime
import Glibc

/// How many processors this process may use: at least one, at most what it is pinned to, and no more than the CPU quota
/// of its control group (version 2, or 1) pays for, rounded up. The group is looked for where a container sees its own.
public func availableCores() -> Int {
  let affinity = Int(gearbox_affinity())
  let cores = affinity > 0 ? affinity : machineCores()
  guard let quota = cpuQuota() else { return cores }
  return max(1, min(cores, Int(quota.rounded(.up))))
}

/// How many processors the machine has switched on, whether or not this process may use them.
private func machineCores() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

/// Processors' worth of time that the control group may use, where it is bounded.
private func cpuQuota() -> Double? {
  if let text = contents("/sys/fs/cgroup/cpu.max") { return quota(v2: text) }
  guard let quota = contents("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").flatMap(firstNumber),
    let period = contents("/sys/fs/cgroup/cpu/cpu.cfs_period_us").flatMap(firstNumber)
  else { return nil }
  return quota > 0 && period > 0 ? quota / period : nil
}

/// The quota that a line of version 2 spells: `max 100000`, or microseconds in each period of so many.
func quota(v2 text: String) -> Double? {
  let words = text.split(whereSeparator: \.isWhitespace)
  guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]), quota > 0, period > 0
  else { return nil }
  return quota / period
}

func firstNumber(_ text: String) -> Double? {
  text.split(whereSeparator: \.isWhitespace).first.flatMap { Double($0) }
}

/// The first bytes of a small file; `nil` if it cannot be read.
func contents(_ path: String) -> String? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  return withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { buffer in
    let count = read(descriptor, buffer.baseAddress, buffer.count)
    return count > 0 ? String(decoding: UnsafeRawBufferPointer(rebasing: buffer[..<count]), as: UTF8.self) : nil
  }
}
