import Glibc
import RuntimePrimitives

/// A process that a supervisor has started, and the socket for its messages.
final class SupervisedProcess {
  let id: pid_t
  let startTime = MonotonicTime.now
  private(set) var isReady = false
  /// Whether it has been told to terminate.
  private(set) var isTerminating = false
  /// The activity of the crashing task: empty if it is unknown, `nil` if the process has sent no crash message.
  private(set) var crashActivity: String?
  /// The time of its last message. Any message counts as a heartbeat.
  private(set) var lastHeartbeat = MonotonicTime.now
  /// Whether a SIGHUP was held back because the process was not ready.
  private var hasPendingHangup = false
  /// The socket for its messages; `nil` once the process has closed it.
  private(set) var channel: Int32?

  init(_ id: pid_t, channel: Int32) {
    (self.id, self.channel) = (id, channel)
  }

  deinit {
    if let channel { close(channel) }
  }

  /// Reads all pending messages.
  func readMessages() {
    var buffer = [UInt8](repeating: 0, count: SupervisionMessage.maximumLength)
    while let channel {
      let count = recv(channel, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { return }
      guard count > 0 else {
        close(channel)
        self.channel = nil
        return
      }
      // An unknown message of a later version counts as a heartbeat too.
      lastHeartbeat = MonotonicTime.now
      switch SupervisionMessage(buffer[..<count]) {
      case .ready:
        isReady = true
        if hasPendingHangup { reopenLogs() }
      case .crash(let activity): crashActivity = activity
      case .heartbeat, nil: break
      }
    }
  }

  /// Tells the process to terminate gracefully.
  func terminate() {
    guard !isTerminating else { return }
    isTerminating = true
    Glibc.kill(id, SIGTERM)
  }

  /// Kills the process.
  func kill() {
    isTerminating = true
    // The process takes a moment to end. Until then it must not count as stuck again.
    lastHeartbeat = MonotonicTime.now
    Glibc.kill(id, SIGKILL)
  }

  /// Sends SIGHUP so that the process reopens its logs. Waits until the process is ready, since the signal would kill
  /// it before.
  func reopenLogs() {
    hasPendingHangup = !isReady
    if isReady { Glibc.kill(id, SIGHUP) }
  }
}
