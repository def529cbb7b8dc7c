import Glibc
import RuntimePrimitives

/// A process that a supervisor has started, and the socket by which it tells how it gets on.
final class SupervisedProcess {
  let id: pid_t
  let start = MonotonicTime.now
  private(set) var isReady = false
  /// Whether it has been told to end.
  private(set) var isLeaving = false
  private(set) var lastWords: String?
  /// When it last gave a sign of life.
  private(set) var lastSign = MonotonicTime.now
  /// Whether SIGHUP has come before it was ready.
  private var missesHangup = false
  /// Its messages come here; `nil` once there will be no more.
  private(set) var channel: Int32?

  init(_ id: pid_t, channel: Int32) {
    (self.id, self.channel) = (id, channel)
  }

  deinit {
    if let channel { close(channel) }
  }

  /// Takes in what it has told.
  func readMessages() {
    var buffer = [UInt8](repeating: 0, count: SupervisionMessage.longest)
    while let channel {
      let count = recv(channel, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { return }
      guard count > 0 else {
        close(channel)
        self.channel = nil
        return
      }
      // Also of a message that only a later version knows.
      lastSign = MonotonicTime.now
      switch SupervisionMessage(buffer[..<count]) {
      case .ready:
        isReady = true
        if missesHangup { reopenLogs() }
      case .lastWords(let text): lastWords = text
      case .alive, nil: break
      }
    }
  }

  /// Tells it to end gracefully.
  func end() {
    guard !isLeaving else { return }
    isLeaving = true
    kill(id, SIGTERM)
  }

  /// Ends it at once.
  func endNow() {
    isLeaving = true
    // Until the system has ended it, which may take a moment, it is not judged again.
    lastSign = MonotonicTime.now
    kill(id, SIGKILL)
  }

  /// Has it open its logs anew, once it is ready: before, the signal would end it.
  func reopenLogs() {
    missesHangup = !isReady
    if isReady { kill(id, SIGHUP) }
  }
}
