import CRuntime
import Glibc
import RuntimePrimitives

/// What a process has of the ``Supervisor`` that has started it.
///
/// ```swift
/// if let link = SupervisorLink.take() {  // before the program starts threads
///   ...
///   link.notifyReady()
///   await link.keepAlive(on: runtime.clock)
///   // The supervisor has gone: end.
/// }
/// ```
public final class SupervisorLink: Sendable {
  private let channel: Int32

  private init(channel: Int32) { self.channel = channel }

  /// Takes the link that the environment names, and removes the variable, so that programs which this process starts do
  /// not take it for theirs. To be called before the program starts threads, since others may read the environment.
  ///
  /// From then on, a crash of the process (SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE) is told to the supervisor
  /// first, with the route that the crashing task answers, where it is known. A core dump or a backtrace are as without it.
  ///
  /// - Returns: `nil` if no supervisor has started this process.
  public static func take() -> SupervisorLink? {
    guard let variable = getenv(ProcessStarter.variable), let channel = Int32(String(cString: variable)) else {
      return nil
    }
    unsetenv(ProcessStarter.variable)
    // Whatever the variable says, no other file is to be written to.
    var (kind, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
    guard getsockopt(channel, SOL_SOCKET, SO_TYPE, &kind, &length) == 0, kind == Int32(SOCK_SEQPACKET.rawValue) else {
      return nil
    }
    _ = fcntl(channel, F_SETFD, FD_CLOEXEC)
    gearbox_report_crashes(channel)
    return SupervisorLink(channel: channel)
  }

  /// Tells the supervisor that the process serves from now on.
  public func notifyReady() { send(.ready) }

  /// Gives the supervisor a sign of life every second, until the task is cancelled or the supervisor has gone.
  ///
  /// To be called in a task of the runtime, so that a runtime in which everything is stuck gives none.
  ///
  /// - Returns: whether the supervisor has gone. The process should come to its end then, as nothing would start it anew.
  public nonisolated(nonsending) func keepAlive(on clock: some Clock<Duration>) async -> Bool {
    while send(.alive) {
      do { try await clock.sleep(for: Self.interval) } catch { return false }
    }
    return true
  }

  /// Often enough for a limit of seconds, and too seldom to be seen in what a server costs.
  static let interval = Duration.seconds(1)

  /// - Returns: whether there is a supervisor. One that does not read for a while loses messages, and nothing else.
  @discardableResult
  private func send(_ message: SupervisionMessage) -> Bool {
    let bytes = message.bytes
    let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
    return Glibc.send(channel, bytes, bytes.count, flags) >= 0 || errno == EAGAIN || errno == EINTR
  }
}
