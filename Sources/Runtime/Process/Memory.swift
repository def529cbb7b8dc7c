import CRuntime
import Glibc

/// Returns the number of bytes of memory available to this process: the machine's memory, or less if the address space
/// (`RLIMIT_AS`) or the control group (version 2 or 1) is limited. The control group is read from where a container
/// sees its own.
package func availableMemory() -> Int {
  var bytes = max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, sysconf(Int32(_SC_PAGESIZE)))
  for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
    if let limit = contents(path).flatMap(firstNumber) { bytes = min(bytes, Int(clamping: Int64(limit))) }
  }
  return min(bytes, addressSpaceLimit() ?? .max)
}

/// Returns the limit of the address space in bytes (`ulimit -v`); `nil` if there is none.
private func addressSpaceLimit() -> Int? {
  var limit = rlimit()
  // `RLIM_INFINITY` is the largest `rlim_t`, but Swift imports it with a type that cannot hold it.
  guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur != .max else { return nil }
  return Int(clamping: limit.rlim_cur)
}

/// Reduces the allocator's reservations if the address space is limited. Otherwise glibc reserves 64 MiB of it per
/// thread, so a few threads would use up a limit that is large enough for the program's data.
///
/// Call it before the program starts threads.
package func saveAddressSpace() {
  if addressSpaceLimit() != nil { gearbox_share_arena() }
}

/// Returns the limit of open descriptors.
package func availableDescriptors() -> Int {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
  return Int(clamping: limit.rlim_cur)
}
