import Glibc

/// Resolves the host `name` with getaddrinfo(3), which sorts the addresses as in RFC 6724. It blocks the thread.
func resolve(_ name: String, port: UInt16) throws(UnresolvedName) -> [SocketAddress] {
  // `getaddrinfo` would stop reading at a NUL.
  guard !name.utf8.contains(0) else { throw UnresolvedName(name, answer: "a host name cannot contain a NUL") }
  var hints = addrinfo()
  hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
  var list: UnsafeMutablePointer<addrinfo>?
  let code = getaddrinfo(name, String(port), &hints, &list)
  let systemCode = errno
  guard code == 0 else {
    if code == EAI_SYSTEM { throw UnresolvedName(name, answer: systemErrorMessage(systemCode)) }
    throw UnresolvedName(name, answer: gai_strerror(code).map { String(cString: $0) } ?? "error \(code)")
  }
  defer { freeaddrinfo(list) }
  var addresses: [SocketAddress] = []
  for entry in sequence(first: list, next: { $0?.pointee.ai_next }) {
    guard let entry = entry?.pointee, let address = SocketAddress(entry), !addresses.contains(address) else { continue }
    addresses.append(address)
  }
  guard !addresses.isEmpty else { throw UnresolvedName(name, answer: "it has no IPv4 or IPv6 address") }
  return addresses
}

extension SocketAddress {
  /// Creates the address of an entry that `getaddrinfo` returned.
  fileprivate init?(_ entry: addrinfo) {
    guard let address = entry.ai_addr else { return nil }
    self.init(writtenBy: { storage, length in
      guard entry.ai_addrlen <= length.pointee else { return -1 }
      memcpy(storage, address, Int(entry.ai_addrlen))
      length.pointee = entry.ai_addrlen
      return 0
    })
  }
}
