import Glibc

/// How many bytes of memory this process may use: what the machine has, or less where the address space is limited
/// (`RLIMIT_AS`) or the control group's memory is (version 2, or 1). The group is looked for where a container sees its
/// own.
package func availableMemory() -> Int {
  var bytes = max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, sysconf(Int32(_SC_PAGESIZE)))
  for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
    if let limit = contents(path).flatMap(firstNumber) { bytes = min(bytes, Int(clamping: Int64(limit))) }
  }
  var limit = rlimit()
  if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 {
    bytes = min(bytes, Int(clamping: limit.rlim_cur))
  }
  return bytes
}

/// How many descriptors this process may have.
package func availableDescriptors() -> Int {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
  return Int(clamping: limit.rlim_cur)
}
