import Glibc

/// Tells the service manager that has started this process how it gets on, by the protocol of `sd_notify(3)`: systemd, for
/// a unit with `Type=notify`.
///
/// ```swift
/// let notifier = ServiceNotifier.take()  // before the program starts threads
/// ...
/// try notifier?.notify(.ready)
/// ```
public struct ServiceNotifier: Sendable {
  /// What there is to tell.
  public struct State: Hashable, Sendable {
    fileprivate let text: String

    private init(_ text: String) { self.text = text }

    /// The program has started: what waits for it may go on.
    public static let ready = State("READY=1")
    /// The program is about to end.
    public static let stopping = State("STOPPING=1")
  }

  /// Where the manager listens; `nil` if it says so in a way that we do not know.
  private let address: SocketAddress?

  /// Takes the manager's address from `NOTIFY_SOCKET`, and removes the variable, so that programs which this process starts
  /// do not speak for it. To be called before the program starts threads, since others may read the environment.
  ///
  /// - Returns: `nil` if `NOTIFY_SOCKET` is not set, or empty.
  public static func take() -> ServiceNotifier? {
    guard let variable = getenv("NOTIFY_SOCKET") else { return nil }
    let notifier = ServiceNotifier(variable: String(cString: variable))
    unsetenv("NOTIFY_SOCKET")
    return notifier
  }

  /// - Parameter variable: the value of `NOTIFY_SOCKET`, an absolute path, or `@` and an abstract name.
  init?(variable: String) {
    if variable.isEmpty { return nil }
    address = variable.hasPrefix("/") || variable.hasPrefix("@") ? SocketAddress("unix:\(variable)") : nil
  }

  /// Tells the manager. It does not wait: the manager's socket has room, unless the manager is in trouble itself.
  ///
  /// - Throws: ``IOError`` if it cannot be told, which is no reason not to go on.
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
