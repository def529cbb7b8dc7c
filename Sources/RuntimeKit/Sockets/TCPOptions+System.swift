import Glibc
public import Runtime

extension TCPOptions {
  /// Applies these options to the socket `descriptor`, for a backend with sockets of its own or of another library.
  ///
  /// It enables options but disables none. Sockets other than TCP reject some options, which is harmless.
  public func apply(to descriptor: Int32) {
    let tcp = Int32(IPPROTO_TCP)
    if noDelay { enableOption(TCP_NODELAY, tcp, of: descriptor) }
    if let keepAlive {
      enableOption(SO_KEEPALIVE, SOL_SOCKET, of: descriptor)
      // The system limits the times to 32,767 and the count to 127 (tcp(7)).
      setOption(TCP_KEEPIDLE, tcp, to: seconds(keepAlive.idle), of: descriptor)
      setOption(TCP_KEEPINTVL, tcp, to: seconds(keepAlive.interval), of: descriptor)
      setOption(TCP_KEEPCNT, tcp, to: Int32(min(max(keepAlive.probes, 1), 127)), of: descriptor)
    }
    if let unsentLimit { setOption(TCP_NOTSENT_LOWAT, tcp, to: Int32(clamping: max(1, unsentLimit)), of: descriptor) }
    if resetsOnClose { setOption(SO_LINGER, SOL_SOCKET, to: linger(l_onoff: 1, l_linger: 0), of: descriptor) }
  }

  /// Returns the time in whole seconds within the system's limits.
  private func seconds(_ duration: Duration) -> Int32 {
    let (seconds, attoseconds) = duration.components
    return Int32(min(max(seconds + (attoseconds > 0 ? 1 : 0), 1), 32_767))
  }
}
