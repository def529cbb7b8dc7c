import CRuntime
import Glibc

/// How many bytes of memory this process may use: what the machine has, or less where the address space is limited
/// (`RLIMIT_AS`) or the control group's memory is (version 2, or 1). The group is looked for where a container sees its
/// own.
package func availableMemory() -> Int {
  var bytes = max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, sysconf(Int32(_SC_PAGESIZE)))
  for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
    if let limit = contents(path).flatMap(firstNumber) { bytes = min(bytes, Int(clamping: Int64(limit))) }
  }
  return min(bytes, addressSpaceLimit() ?? .max)
}

/// How many bytes of address space this process may have (`ulimit -v`); `nil` for no limit.
private func addressSpaceLimit() -> Int? {
  var limit = rlimit()
  // `RLIM_INFINITY` is the largest number, and does not fit the type that it has in Swift.
  guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur != .max else { return nil }
  return Int(clamping: limit.rlim_cur)
}

/// Has the allocator reserve little where the address space is limited. Otherwise glibc reserves 64 MiB of it for each
/// thread, and a few threads use up a limit that would be enough for what the program holds.
///
/// To be called before the program starts threads.
package func saveAddressSpace() {
  if addressSpaceLimit() != nil { gearbox_share_arena() }
}

/// How many descriptors this process may have.
package func availableDescriptors() -> Int {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
  return Int(clamping: limit.rlim_cur)
}
