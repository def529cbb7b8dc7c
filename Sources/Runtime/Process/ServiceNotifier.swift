import Glibc

/// Notifies the service manager that started this process of the service's state, by the protocol of `sd_notify(3)`.
/// systemd uses it for units with `Type=notify`.
///
/// ```swift
/// let notifier = ServiceNotifier.take()  // before the program starts threads
/// ...
/// try notifier?.notify(.ready)
/// ```
public struct ServiceNotifier: Sendable {
  /// A state of the service.
  public struct State: Hashable, Sendable {
    fileprivate let text: String

    private init(_ text: String) { self.text = text }

    /// The service has started: units that depend on it may start.
    public static let ready = State("READY=1")
    /// The service is stopping.
    public static let stopping = State("STOPPING=1")
  }

  /// The manager's address; `nil` if `NOTIFY_SOCKET` has an unsupported form.
  private let address: SocketAddress?

  /// Takes the manager's address from `NOTIFY_SOCKET` and removes the variable, so that programs started by this
  /// process do not send notifications in its name. Call it before the program starts threads, since other threads may
  /// read the environment.
  ///
  /// - Returns: `nil` if `NOTIFY_SOCKET` is unset or empty.
  public static func take() -> ServiceNotifier? {
    guard let variable = getenv("NOTIFY_SOCKET") else { return nil }
    let notifier = ServiceNotifier(variable: String(cString: variable))
    unsetenv("NOTIFY_SOCKET")
    return notifier
  }

  /// Creates a notifier.
  ///
  /// - Parameter variable: the value of `NOTIFY_SOCKET`: an absolute path, or `@` and an abstract name.
  init?(variable: String) {
    if variable.isEmpty { return nil }
    address = variable.hasPrefix("/") || variable.hasPrefix("@") ? SocketAddress("unix:\(variable)") : nil
  }

  /// Sends `state` to the manager without waiting. The manager's socket has room unless the manager itself is in
  /// trouble.
  ///
  /// - Throws: ``IOError`` if the notification cannot be sent. The service can continue regardless.
  public func notify(_ state: State) throws(IOError) {
    guard let address else { throw IOError(.send, .system(EAFNOSUPPORT)) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw IOError(.socket, .system(errno)) }
    defer { close(descriptor) }
    let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
    let sent = address.withSystemAddress { address, length in
      sendto(descriptor, state.text, state.text.utf8.count, flags, address, length)
    }
    guard sent >= 0 else { throw IOError(.send, .system(errno)) }
  }
}
