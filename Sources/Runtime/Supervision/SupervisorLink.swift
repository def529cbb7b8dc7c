import CRuntime
import Glibc
import RuntimePrimitives

/// The connection of a process to the ``Supervisor`` that started it.
///
/// ```swift
/// if let link = SupervisorLink.take() {  // before the program starts threads
///   ...
///   link.notifyReady()
///   await link.keepAlive(on: runtime.clock)
///   // The supervisor has gone: terminate.
/// }
/// ```
public final class SupervisorLink: Sendable {
  private let channel: Int32

  private init(channel: Int32) { self.channel = channel }

  /// Takes the link that the environment names, and removes the variable, so that programs started by this process do
  /// not use it. Call it before the program starts threads, since other threads may read the environment.
  ///
  /// From then on, a crash of the process (SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE) is first reported to the
  /// supervisor, with the route that the crashing task handles, if known. Core dumps and backtraces are not affected.
  ///
  /// - Returns: `nil` if no supervisor has started this process.
  public static func take() -> SupervisorLink? {
    guard let variable = getenv(ProcessStarter.variable), let channel = Int32(String(cString: variable)) else {
      return nil
    }
    unsetenv(ProcessStarter.variable)
    // A wrong variable must not make the process write to another file.
    var (kind, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
    guard getsockopt(channel, SOL_SOCKET, SO_TYPE, &kind, &length) == 0, kind == Int32(SOCK_SEQPACKET.rawValue) else {
      return nil
    }
    _ = fcntl(channel, F_SETFD, FD_CLOEXEC)
    gearbox_report_crashes(channel)
    return SupervisorLink(channel: channel)
  }

  /// Tells the supervisor that the process is serving.
  public func notifyReady() { send(.ready) }

  /// Sends a heartbeat to the supervisor every second, until the task is cancelled or the supervisor has gone.
  ///
  /// Call it in a task of the runtime, so that heartbeats stop if everything on the runtime is stuck.
  ///
  /// - Returns: whether the supervisor has gone. The process should then terminate, because it would not be restarted.
  public nonisolated(nonsending) func keepAlive(on clock: some Clock<Duration>) async -> Bool {
    while send(.heartbeat) {
      do { try await clock.sleep(for: Self.interval) } catch { return false }
    }
    return true
  }

  /// Often enough for a limit of some seconds, and too rare to be a measurable cost.
  static let interval = Duration.seconds(1)

  /// Sends `message`. If the supervisor's queue is full, the message is lost.
  ///
  /// - Returns: whether there still is a supervisor.
  @discardableResult
  private func send(_ message: SupervisionMessage) -> Bool {
    let bytes = message.bytes
    let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
    return Glibc.send(channel, bytes, bytes.count, flags) >= 0 || errno == EAGAIN || errno == EINTR
  }
}
