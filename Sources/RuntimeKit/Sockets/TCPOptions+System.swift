import Glibc
public import Runtime

extension TCPOptions {
  /// Sets the socket of `descriptor` to these options: for a backend whose sockets are its own, or another library's.
  ///
  /// It turns on what they ask for, and turns nothing off. Sockets that are not TCP's refuse some of them, which does no
  /// harm.
  public func apply(to descriptor: Int32) {
    let tcp = Int32(IPPROTO_TCP)
    if noDelay { turnOn(TCP_NODELAY, tcp, of: descriptor) }
    if let keepAlive {
      turnOn(SO_KEEPALIVE, SOL_SOCKET, of: descriptor)
      // 32,767 is the most that the system takes for the times, and 127 for the count (tcp(7)).
      setOption(TCP_KEEPIDLE, tcp, to: seconds(keepAlive.idle), of: descriptor)
      setOption(TCP_KEEPINTVL, tcp, to: seconds(keepAlive.interval), of: descriptor)
      setOption(TCP_KEEPCNT, tcp, to: Int32(min(max(keepAlive.probes, 1), 127)), of: descriptor)
    }
    if let unsentLimit { setOption(TCP_NOTSENT_LOWAT, tcp, to: Int32(clamping: max(1, unsentLimit)), of: descriptor) }
    if resetsOnClose { setOption(SO_LINGER, SOL_SOCKET, to: linger(l_onoff: 1, l_linger: 0), of: descriptor) }
  }

  /// The time in whole seconds, as the system takes it.
  private func seconds(_ duration: Duration) -> Int32 {
    let (seconds, attoseconds) = duration.components
    return Int32(min(max(seconds + (attoseconds > 0 ? 1 : 0), 1), 32_767))
  }
}
